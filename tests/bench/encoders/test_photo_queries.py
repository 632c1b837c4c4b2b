"""What a photo takes a query worker, from the file to the embedding, and what a text takes it beside."""

from __future__ import annotations

import io
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from encoders.inference.runtime import Runtime
from encoders.loading import load_encoder
from encoders.processes.image_decoding import DecodingConfig, ImageDecoderPool
from query_api.embedding.batcher import EncoderBatcher
from query_api.embedding.visuals import VisualDecoders, VisualEmbedder
from tests.bench.report import RUNS, Target, publish_report
from vitrine.samples.catalogue import sample_products
from vitrine.samples.drawing.rendering import render

ENCODER = os.environ.get("BENCH_ENCODER", "standard")
THREADS = int(os.environ.get("BENCH_THREADS", "0"))
SIDES = (256, 1024)
"""Of photos, in pixels: as a page that makes them small sends them, and as a telephone does."""
PHOTOS, TEXT = 12, "red striped cotton shirt with long sleeves"
PHOTO_MS, TEXT_MS = 25.0, 10.0
"""What each may take at the median, on two cores."""


async def test_a_photo_and_a_text_to_search_with() -> None:
    async with _worker() as (batcher, embedder):
        told = {"text": await _timed(lambda at: batcher.encode(f"{TEXT} {at}"))}
        for side in SIDES:
            photos = _photos(side)
            told[f"photo of {side} px"] = await _timed(lambda at, files=photos: embedder.embed_picture(files[at]))
    rows = [[what, *measured] for what, measured in told.items()]
    targets = [
        Target(f"ms at the median, {what}", measured[0], TEXT_MS if what == "text" else PHOTO_MS, at_most=True)
        for what, measured in told.items()
    ]
    columns = ["query", "ms, median", "ms, nine in ten", "ms of the encoder's process"]
    publish_report("photo-queries", columns, rows, targets, encoder=ENCODER, threads=THREADS)


@asynccontextmanager
async def _worker() -> AsyncIterator[tuple[EncoderBatcher, VisualEmbedder]]:
    """What embeds in a query worker: an encoder in this process, and a decoder in one of its own."""
    encoder = load_encoder(ENCODER, Runtime("cpu", "auto", "auto", threads=THREADS))
    with ThreadPoolExecutor(1) as thread:
        batcher = EncoderBatcher(encoder, thread, deadline_s=60)
        async with ImageDecoderPool(encoder.preparer, DecodingConfig(processes=1)) as decoder:
            yield batcher, VisualEmbedder(VisualDecoders(decoder, None, picture_deadline_s=60), batcher)
        await batcher.aclose()


async def _timed(ask: Callable[[int], Awaitable[object]]) -> tuple[float, float, float]:
    """Milliseconds of a query, one after the other: at the median, at the ninth decile, and this process's CPU."""
    walls: list[float] = []
    cpu: list[float] = []
    for round_ in range(RUNS + 1):
        for at in range(PHOTOS):
            started, used = time.perf_counter(), time.process_time()
            await ask(at)
            if round_:
                walls.append(1e3 * (time.perf_counter() - started))
                cpu.append(1e3 * (time.process_time() - used))
    return statistics.median(walls), statistics.quantiles(walls, n=10)[-1], statistics.median(cpu)


def _photos(side: int) -> list[bytes]:
    """JPEGs of goods in scenes."""
    files: list[bytes] = []
    for product in sample_products(PHOTOS, 777):
        file = io.BytesIO()
        render(product, 1, side).save(file, "JPEG", quality=88)
        files.append(file.getvalue())
    return files
