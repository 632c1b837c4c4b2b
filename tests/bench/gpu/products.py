"""The products that are measured with: titles, JPEGs and rows. Needs numpy, Pillow and msgspec alone."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image

from encoders.spec import EmbeddingSpec, FloatArray, fuse_parts
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row, text_hash
from tests.bench.encoders.inputs import pictures, texts

BATCH = 64
DISTINCT = 256
JPEG_SIDE = 500
"""Of a file, in pixels: some 40 KB."""


@lru_cache
def titles() -> list[str]:
    """`DISTINCT` titles of 4 to 20 words."""
    return texts(DISTINCT)


@lru_cache
def jpegs() -> list[bytes]:
    """`DISTINCT` files."""
    return [_jpeg(picture) for picture in pictures(DISTINCT)]


def rows(spec: EmbeddingSpec, text_rows: FloatArray, image_rows: FloatArray) -> list[IndexRow]:
    """Products' rows as an indexing worker makes them, of unit rows (n, dim) of their titles and their pictures."""
    stored = _stored()
    return [
        build_row(f"p-{at}", stored[at % DISTINCT], fuse_parts(spec, text, image))
        for at, (text, image) in enumerate(zip(text_rows, image_rows, strict=True))
    ]


def batch(number: int) -> tuple[Sequence[str], Sequence[bytes]]:
    """Titles and files of a batch."""
    first = number * BATCH % DISTINCT
    return titles()[first : first + BATCH], jpegs()[first : first + BATCH]


@lru_cache
def _stored() -> list[StoredProduct]:
    return [
        StoredProduct(
            ProductState().merge(ProductChange("p", EventStamp(1, "gpu", "e"), fields, replaces_all_fields=True)),
            text_hash(title),
            (f"{at:032x}",),
        )
        for at, title in enumerate(titles())
        for fields in [{"title": title, "price": 9.5, "currency": "EUR", "brand": "Bench", "category": "A/B/C"}]
    ]


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.resize((JPEG_SIDE, JPEG_SIDE)).save(file, "JPEG", quality=85)
    return file.getvalue()
