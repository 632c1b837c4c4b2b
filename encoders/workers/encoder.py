"""`python -m encoders.workers.encoder`: the worker that holds an encoder."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import numpy as np

from encoders.inference.device_priority import DevicePriority
from encoders.loading import load_encoder
from encoders.port import Encoder, as_joint_encoder
from encoders.processes.messages import (
    EncodedRows,
    EncodeParts,
    EncodeProducts,
    EncoderReady,
    EncoderSetup,
    ErrorMessage,
    picture_from_message,
    texts_from_message,
)
from encoders.processes.pixel_memory import ReadPixels
from encoders.spec import FloatArray
from encoders.workers.confinement import confine_model
from encoders.workers.connection import MainProcess


def main() -> None:
    """Load the encoder, or send the error; then serve until the main process is gone."""
    main_process = MainProcess()
    setup = msgspec.msgpack.decode(main_process.read(), type=EncoderSetup)
    try:
        encoder = load_encoder(setup.name, setup.runtime)
    except Exception as error:
        main_process.send(ErrorMessage.from_error(error))
        return
    memory = setup.memory and ReadPixels(setup.memory)
    answer = _request_handler(encoder, DevicePriority.for_runtime(setup.runtime), memory)
    main_process.start_threads()
    # A model that is compiled is so with its first inputs, by a compiler that is a program of its own.
    missing = confine_model(may_start_programs=setup.runtime.compile)
    main_process.serve(EncoderReady(encoder.spec, encoder.preparer, encoder.prompts, [*missing]), answer)


def _request_handler(
    encoder: Encoder, priority: DevicePriority, memory: ReadPixels | None
) -> Callable[[bytearray], EncodedRows | ErrorMessage]:
    batches = msgspec.msgpack.Decoder(EncodeParts | EncodeProducts)

    def encode(request: bytearray) -> EncodedRows | ErrorMessage:
        batch = batches.decode(request)
        priority.wait_for_priority_work()
        started = time.perf_counter()
        try:
            products = isinstance(batch, EncodeProducts)
            rows = _encode_products(encoder, batch, memory) if products else _encode_parts(encoder, batch, memory)
            rows.device_s = time.perf_counter() - started
            return rows
        except Exception as error:
            return ErrorMessage.from_error(error)

    return encode


def _encode_parts(encoder: Encoder, batch: EncodeParts, memory: ReadPixels | None) -> EncodedRows:
    texts = encoder.encode_texts(texts_from_message(batch.texts)) if batch.texts else None
    pictures = [picture_from_message(picture, memory) for picture in batch.images]
    return EncodedRows(_bytes(texts), _bytes(encoder.encode_images(pictures) if pictures else None))


def _encode_products(encoder: Encoder, batch: EncodeProducts, memory: ReadPixels | None) -> EncodedRows:
    images = [[picture_from_message(picture, memory) for picture in pictures] for pictures in batch.images]
    return EncodedRows(
        _bytes(as_joint_encoder(encoder).encode_products(texts_from_message(batch.texts), images)), _bytes(None)
    )


def _bytes(rows: FloatArray | None) -> bytearray:
    return bytearray() if rows is None else bytearray(np.ascontiguousarray(rows, np.float32).data)


if __name__ == "__main__":
    main()
