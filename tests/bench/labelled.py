"""Catalogues for labelling: products with pictures, some of which leave open what is known of them."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from encoders.port import Encoder
from encoders.spec import FloatArray, fuse_parts, pool_vectors
from indexer.planning import MAX_POOLED_IMAGES
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row, embedding_text, text_hash
from tests.paths import SHARED_DATA
from vitrine.samples.catalogue import sample_products
from vitrine.samples.drawing.rendering import render

DATA = SHARED_DATA
SELLER_WORDS = ("New", "Original", "Genuine", "Sale:", "- free shipping", "(boxed)", "best price")


@dataclass(frozen=True, slots=True)
class Item:
    """A product with its pictures."""

    product_id: str
    fields: dict[str, Any]
    pictures: Sequence[Image.Image]


def rendered_items(count: int, seed: int = 77) -> list[Item]:
    """Products that this project draws."""
    items: list[Item] = []
    for product in sample_products(count, seed):
        fields = product.event_data()
        items.append(Item(str(fields.pop("product_id")), fields, [render(product, 0, 192)]))
    return items


def real_items() -> list[Item]:
    """Real shops' products; none where the data is not there."""
    path = DATA / "products.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []
    return [Item(row["id"], _real_fields(row), [_opened(DATA / one) for one in row["images"]]) for row in rows]


def esci_items() -> list[Item]:
    """Amazon products as texts; none where the data is not there."""
    path = DATA / "esci_products.parquet"
    return [_esci_item(row) for row in pq.read_table(path).to_pylist()] if path.is_file() else []


def index_rows(items: Sequence[Item], encoder: Encoder) -> list[IndexRow]:
    """The rows of products as the indexing worker would make them."""
    texts = [embedding_text(item.fields) for item in items]
    return [
        _row(item, text, _encoded_text(text, encoder), _encoded_pictures(item.pictures, encoder), encoder)
        for item, text in zip(items, texts, strict=True)
    ]


def listed_again(item: Item, rng: random.Random) -> Item:
    """Another listing of the same goods: pictures cropped and compressed, a title in other words, half the text."""
    fields = {name: value for name, value in item.fields.items() if name != "group_id"}
    words = fields["title"].split()
    if len(words) > 2 and rng.random() < 0.5:
        words.pop(rng.randrange(len(words)))
    words.insert(rng.choice((0, len(words))), rng.choice(SELLER_WORDS))
    fields |= {"title": " ".join(words), "description": fields.get("description", "")[: rng.randrange(40, 200)]}
    if rng.random() < 0.5:
        fields = {name: value for name, value in fields.items() if name not in ("brand", "attributes")}
    return Item(f"again-{item.product_id}", fields, [_copied(picture, rng) for picture in item.pictures])


def _real_fields(row: dict[str, Any]) -> dict[str, Any]:
    attributes = {name: row[key] for name, key in (("colour", "colors"), ("size", "sizes")) if row[key]}
    fields = {name: row[name] for name in ("title", "description", "category", "brand")} | {"attributes": attributes}
    return {name: value for name, value in fields.items() if value}


def _esci_item(row: dict[str, Any]) -> Item:
    text = " ".join(row[name] for name in ("description", "bullet_points") if row[name])
    fields = {"title": row["title"], "description": text, "category": row["category"].replace(" > ", "/")}
    fields |= {"brand": row["brand"]} if isinstance(row["brand"], str) else {}
    return Item(row["asin"], fields, [])


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _copied(picture: Image.Image, rng: random.Random) -> Image.Image:
    width, height = picture.size
    left, top, right, bottom = (rng.uniform(0, 0.12) for _ in range(4))
    box = (int(width * left), int(height * top), int(width * (1 - right)), int(height * (1 - bottom)))
    file = io.BytesIO()
    picture.crop(box).save(file, "JPEG", quality=rng.choice((30, 45, 60)))
    return Image.open(file).convert("RGB")


def _encoded_text(text: str, encoder: Encoder) -> FloatArray | None:
    return encoder.encode_texts(encoder.prompts.for_documents([text]))[0] if text else None


def _encoded_pictures(pictures: Sequence[Image.Image], encoder: Encoder) -> FloatArray | None:
    prepared = [encoder.preparer(picture) for picture in pictures[:MAX_POOLED_IMAGES]]
    return pool_vectors(np.asarray(encoder.encode_images(prepared))) if prepared else None


def _row(item: Item, text: str, text_part: FloatArray | None, image: FloatArray | None, encoder: Encoder) -> IndexRow:
    change = ProductChange(
        item.product_id, EventStamp(1, "bench", "event"), _with_pictures(item), replaces_all_fields=True
    )
    stored = StoredProduct(ProductState().merge(change), text_hash(text), ("picture",) if item.pictures else ())
    return build_row(item.product_id, stored, fuse_parts(encoder.spec, text_part, image))


def _with_pictures(item: Item) -> dict[str, Any]:
    return item.fields | ({"images": [{"hash": "0" * 64}]} if item.pictures else {})
