"""What a finished `mini` can do: retrieval on rendered products it never saw, on real photos, and its speed."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from encoders.port import Encoder
from encoders.spec import MAIN_IMAGE_WEIGHT, FloatArray, pool_vectors
from encoders.training.evaluation.metrics import RetrievalReport, retrieval_report, target_ranks
from vitrine.samples.mini.data.item_store import ItemStore
from vitrine.samples.mini.data.real_shops import is_held_out

_SPEED_BATCH: Final = 32
_SPEED_ROUNDS: Final = 10


def measure_rendered(encoder: Encoder, held_out: ItemStore) -> list[RetrievalReport]:
    """Text to picture, picture to text and language to language over held-out rendered products."""
    english = encoder.encode_texts([item.english[0] for item in held_out.items])
    chinese = encoder.encode_texts([item.chinese[0] for item in held_out.items])
    studio, scene = (_encode(encoder, [Image.fromarray(views[view]) for views in held_out.pictures]) for view in (0, 1))
    searches = {
        "English title → packshot": (english, studio),
        "packshot → English title": (studio, english),
        "Chinese title → packshot": (chinese, studio),
        "packshot → Chinese title": (studio, chinese),
        "English title → Chinese title": (english, chinese),
        "Chinese title → English title": (chinese, english),
        "scene → packshot": (scene, studio),
    }
    return [_paired(name, queries, answers) for name, (queries, answers) in searches.items()]


@dataclass(frozen=True)
class EmbeddedRealProducts:
    """Real products, each with its title and the vectors of its own photos."""

    products: list[dict[str, Any]]
    photos: list[FloatArray]
    """One (photos, d) array a product; the main photo is first."""

    def pooled(self, first_weight: float) -> FloatArray:
        """One vector a product (n, d), as the index keeps it."""
        return np.stack([pool_vectors(vectors, first_weight) for vectors in self.photos])


def embed_real_products(encoder: Encoder, data: Path) -> EmbeddedRealProducts:
    """Embed the photos of all real products."""
    lines = (data / "products.jsonl").read_text("utf-8").splitlines()
    products = [json.loads(line) for line in lines]
    photos = [_encode(encoder, [_photo(data / path) for path in product["images"]]) for product in products]
    return EmbeddedRealProducts(products, photos)


def measure_real(
    encoder: Encoder, data: Path, real: EmbeddedRealProducts, first_weight: float = MAIN_IMAGE_WEIGHT
) -> list[RetrievalReport]:
    """Each real product by its own main photo, by a poor copy of it, by its title, and by photos taken in shops."""
    index = real.pooled(first_weight)
    rows = range(len(index))
    copies = [_poor_copy(_photo(data / product["images"][0])) for product in real.products]
    mains = (_photo(data / product["images"][0]) for product in real.products)
    own = target_ranks(_searched(encoder, mains), index, rows)
    poor = target_ranks(_searched(encoder, copies), index, rows)
    return [
        retrieval_report("own main photo → product", own, len(index), cut_offs=(1, 3)),
        retrieval_report("central 80 % as JPEG 70 → product", poor, len(index), cut_offs=(1, 3)),
        _titles(encoder, real, index),
        _shop_photos(encoder, data, real, index),
    ]


def products_per_second(encoder: Encoder) -> float:
    """Title and picture embedded together in batches of 32, picture decoded but not yet resized."""
    texts = ["Red cotton T-shirt with a striped pattern, Nordlys"] * _SPEED_BATCH
    pictures = [Image.new("RGB", (256, 256), (180, 40, 40))] * _SPEED_BATCH
    _one_batch(encoder, texts, pictures)
    started = time.perf_counter()
    for _ in range(_SPEED_ROUNDS):
        _one_batch(encoder, texts, pictures)
    return _SPEED_BATCH * _SPEED_ROUNDS / (time.perf_counter() - started)


def _one_batch(encoder: Encoder, texts: Sequence[str], pictures: Sequence[Image.Image]) -> None:
    encoder.encode_texts(texts)
    _encode(encoder, pictures)


def _paired(name: str, queries: FloatArray, answers: FloatArray) -> RetrievalReport:
    return retrieval_report(name, target_ranks(queries, answers, range(len(queries))), len(answers))


def _titles(encoder: Encoder, real: EmbeddedRealProducts, index: FloatArray) -> RetrievalReport:
    """Held-out real titles against photos alone: the honest figure for text meeting real pictures."""
    rows = [row for row, product in enumerate(real.products) if is_unseen(product)]
    vectors = encoder.encode_texts(encoder.prompts.for_queries(real.products[row]["title"] for row in rows))
    return retrieval_report(
        "unseen real title → photos of all products", target_ranks(vectors, index, rows), len(index)
    )


def is_unseen(product: dict[str, Any]) -> bool:
    """Whether training did not read a real product."""
    return product["id"].startswith("grocery-") or is_held_out(product["id"])


def _shop_photos(encoder: Encoder, data: Path, real: EmbeddedRealProducts, index: FloatArray) -> RetrievalReport:
    queries = [json.loads(line) for line in (data / "image_queries.jsonl").read_text("utf-8").splitlines()]
    row_of = {product["id"]: row for row, product in enumerate(real.products)}
    vectors = _searched(encoder, (_photo(data / query["image"]) for query in queries))
    targets = [row_of[query["product_id"]] for query in queries]
    return retrieval_report(
        "photo taken in a shop → product", target_ranks(vectors, index, targets), len(index), targets
    )


def _encode(encoder: Encoder, pictures: Sequence[Image.Image]) -> FloatArray:
    return encoder.encode_images([encoder.preparer(picture) for picture in pictures])


def _searched(encoder: Encoder, pictures: Iterable[Image.Image]) -> FloatArray:
    """Embeddings of pictures to search with, as a query worker makes them."""
    views = (encoder.preparer.views(encoder.preparer(picture)) for picture in pictures)
    return np.stack([pool_vectors(encoder.encode_images(view), first_weight=1.0) for view in views])


def _photo(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _poor_copy(image: Image.Image) -> Image.Image:
    width, height = image.size
    inner = image.crop((int(width * 0.1), int(height * 0.1), int(width * 0.9), int(height * 0.9)))
    buffer = io.BytesIO()
    inner.save(buffer, "JPEG", quality=70)
    with Image.open(buffer) as copy:
        return copy.convert("RGB")
