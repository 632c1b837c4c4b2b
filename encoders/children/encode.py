"""`python -m encoders.children.encode`: holds an encoder for the parent process."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from encoders.children.frames import Batch, EncoderReady, EncodingSetup, Failure, Products, Rows, pixels, texts_in
from encoders.children.serving import Parent
from encoders.loading import load_encoder
from encoders.port import Encoder, joint
from encoders.precedence import Precedence
from encoders.spec import FloatArray


def main() -> None:
    """Load the encoder, or say why not; serve until the parent is gone."""
    parent = Parent()
    setup = msgspec.msgpack.decode(parent.read(), type=EncodingSetup)
    try:
        encoder = load_encoder(setup.name, setup.runtime)
    except Exception as error:
        parent.send(Failure.of(error))
        return
    parent.send(EncoderReady(encoder.spec, encoder.preparer))
    parent.serve(_encode(encoder, Precedence.on_device(setup.runtime)))


def _encode(encoder: Encoder, precedence: Precedence) -> Callable[[bytearray], Rows | Failure]:
    batches = msgspec.msgpack.Decoder(Batch | Products)

    def encode(request: bytearray) -> Rows | Failure:
        batch = batches.decode(request)
        precedence.give_way()
        try:
            return _products(encoder, batch) if isinstance(batch, Products) else _parts(encoder, batch)
        except Exception as error:
            return Failure.of(error)

    return encode


def _parts(encoder: Encoder, batch: Batch) -> Rows:
    texts = encoder.encode_texts(texts_in(batch.texts)) if batch.texts else None
    images = encoder.encode_images([pixels(one) for one in batch.images]) if batch.images else None
    return Rows(_bytes(texts), _bytes(images))


def _products(encoder: Encoder, batch: Products) -> Rows:
    images = [[pixels(one) for one in some] for some in batch.images]
    return Rows(_bytes(joint(encoder).encode_products(texts_in(batch.texts), images)), _bytes(None))


def _bytes(rows: FloatArray | None) -> bytearray:
    return bytearray() if rows is None else bytearray(np.ascontiguousarray(rows, np.float32).data)


if __name__ == "__main__":
    main()
