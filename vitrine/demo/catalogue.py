"""The sample catalogue: rendered once into the data dir, published as product events."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from streams.events.schema import Event, Product
from vitrine.samples.catalogue import SampleProduct, sample_products
from vitrine.samples.drawing.rendering import render

SIZE = 2_400
SEED = 7
PICTURE_PX = 256
VERSION = 1
"""Fixed, so that publishing the same catalogue again changes nothing."""


def demo_products(count: int = SIZE) -> list[SampleProduct]:
    """The sample catalogue; the same one each time."""
    return sample_products(count, SEED)


def render_pictures(catalogue: Sequence[SampleProduct], directory: Path, workers: int) -> Iterator[int]:
    """Draw the pictures that are not in the directory yet; yields how many more are there, as they come."""
    directory.mkdir(parents=True, exist_ok=True)
    missing = [product for product in catalogue if not _path(directory, product).exists()]
    yield len(catalogue) - len(missing)
    chunks = [missing[start : start + 50] for start in range(0, len(missing), 50)]
    if chunks:
        with ProcessPoolExecutor(workers) as pool:
            yield from pool.map(_render_chunk, chunks, [directory] * len(chunks))


def product_event(product: SampleProduct, directory: Path) -> Event:
    """The creation of a product, its picture inline."""
    picture = base64.b64encode(_path(directory, product).read_bytes()).decode()
    data = product.event_data() | {"version": VERSION, "images": [{"data": picture}]}
    return Event(
        id=f"{product.product_id}-v{VERSION}",
        source="vitrine/demo",
        type="product.created",
        time_ms=int(time.time() * 1000),
        data=msgspec.convert(data, Product),
    )


def _render_chunk(chunk: Sequence[SampleProduct], directory: Path) -> int:
    for product in chunk:
        path = _path(directory, product)
        half = path.with_suffix(".part")
        render(product, size=PICTURE_PX).save(half, "JPEG", quality=88)
        half.replace(path)
    return len(chunk)


def _path(directory: Path, product: SampleProduct) -> Path:
    return directory / f"{product.product_id}.jpg"
