"""One worker's part without Kafka: decode, encode, make rows, for ever. `python -m tests.bench.gpu.feeder …`.

Prints a line with the number of products so far for each batch, and so how fast it is to whoever reads them.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from encoders.errors import InvalidImage
from encoders.inference.runtime import Runtime
from encoders.port import AsyncEncoder, ImageDecoder
from encoders.processes.encoder import EncoderProcess
from encoders.processes.image_decoding import DecodingConfig, ImageDecoderPool
from encoders.service.loop_client import EncoderClient
from tests.bench.gpu import products

IN_FLIGHT = 4
"""Batches: two at the encoder, one whose pictures are decoded, one whose rows are made."""


async def feed(options: argparse.Namespace) -> None:
    """Feed an encoder until killed."""
    runtime = Runtime(options.device, "torch", options.precision, options.compile)
    own = EncoderProcess(options.encoder, runtime)
    async with AsyncExitStack() as resources:
        shared = options.socket and EncoderClient(options.socket, options.encoder, runtime)
        encoder = await resources.enter_async_context(shared or own)
        decoding = ImageDecoderPool(encoder.preparer, DecodingConfig(options.decoders), encoder.memory)
        decoder = await resources.enter_async_context(decoding)
        numbers = itertools.count()
        await asyncio.gather(*(_feed_in_turn(numbers, decoder, encoder) for _ in range(IN_FLIGHT)))


async def _feed_in_turn(numbers: Iterator[int], decoder: ImageDecoder, encoder: AsyncEncoder) -> None:
    """One batch after the other, of those whose numbers nobody has taken yet."""
    for number in numbers:
        titles, files = products.batch(number)
        decoded = await decoder.decode(files)
        pixels = [one for one in decoded if not isinstance(one, InvalidImage)]
        made = products.rows(encoder.spec, *await encoder.encode(titles, pixels))
        print(len(made), flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(description=__doc__)
    found.add_argument("--encoder", required=True)
    found.add_argument("--socket", type=Path, help="Of the encoder service; without: an encoder of its own.")
    found.add_argument("--device", default="cuda")
    found.add_argument("--precision", default="bfloat16")
    found.add_argument("--compile", action="store_true")
    found.add_argument("--decoders", type=int, default=3)
    return found


if __name__ == "__main__":
    asyncio.run(feed(parser().parse_args()))
