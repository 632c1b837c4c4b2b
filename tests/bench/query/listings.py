"""The shop that is searched: sample listings with the encoder's own vectors, kept under `build/`, and what is asked."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoders.loading import load_encoder
from encoders.port import Encoder
from encoders.spec import EmbeddingSpec, FloatArray, fuse_parts, normalise_rows
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.store import open_active_store
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row, embedding_text, text_hash
from tests.bench.report import BUILD
from vitrine.demo.catalogue import SEED
from vitrine.samples.catalogue import SampleProduct, sample_products

SOURCE = "bench"
PICTURES_DIFFER = 0.5
"""Length of what sets a picture's vector apart from its title's, before it is a unit vector again."""
_CHUNK = 1_000


@dataclass(frozen=True)
class Listings:
    """Products with their vectors, and the names by which shoppers ask for them."""

    spec: EmbeddingSpec
    products: Sequence[SampleProduct]
    fields: Sequence[dict[str, Any]]
    vectors: FloatArray
    """Fused, (n, 2·dim)."""

    @classmethod
    def of(cls, encoder_name: str, count: int) -> Listings:
        """So many products; the same ones each time."""
        encoder = load_encoder(encoder_name)
        products = sample_products(count, SEED)
        fields = [product.event_data() | {"version": 1} for product in products]
        return cls(encoder.spec, products, fields, _vectors(encoder, fields))

    def queries(self, count: int, seed: int = 0) -> list[str]:
        """So many different queries: what a product is, and something of how it looks or who made it."""
        chance, made = random.Random(seed), dict[str, None]()
        while len(made) < count:
            one = chance.choice(self.products)
            details = [one.colour, one.pattern, one.material, one.brand]
            words = [word for word in details if word and chance.random() < 0.5]
            made[" ".join([*words, one.kind, *([str(len(made))] if len(made) > 5_000 else [])])] = None
        return list(made)

    async def index(self, milvus: MilvusConfig) -> None:
        """Write all of them into an index of their own, which is made."""
        store = await open_active_store(milvus, self.spec, create=True)
        try:
            for start in range(0, len(self.fields), _CHUNK):
                await store.write(list(self._rows(range(start, min(start + _CHUNK, len(self.fields))))))
        finally:
            await store.close()

    def _rows(self, numbers: range) -> Iterator[IndexRow]:
        for number in numbers:
            fields = {name: value for name, value in self.fields[number].items() if name != "version"}
            name = fields.pop("product_id")
            stamp = EventStamp(1, SOURCE, f"{name}-1")
            state = ProductState().merge(ProductChange(name, stamp, fields, replaces_all_fields=True))
            yield build_row(name, StoredProduct(state, text_hash(embedding_text(fields))), self.vectors[number])


def _vectors(encoder: Encoder, fields: Sequence[dict[str, Any]]) -> FloatArray:
    """Fused vectors (n, 2·dim): texts as encoded, and in place of pictures vectors near those of the titles."""
    kept = BUILD / "bench" / "vectors" / f"{encoder.spec.key.replace('/', '-')}-{len(fields)}.npy"
    if not kept.exists():
        texts = encoder.encode_texts([embedding_text(field) for field in fields])
        titles = encoder.encode_texts([str(field["title"]) for field in fields])
        noise = np.random.default_rng(0).standard_normal(titles.shape) * (PICTURES_DIFFER / np.sqrt(encoder.spec.dim))
        looks = normalise_rows((titles + noise).astype(np.float32))
        kept.parent.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(".part.npy")
        np.save(half, np.stack([fuse_parts(encoder.spec, text, look) for text, look in zip(texts, looks, strict=True)]))
        half.replace(kept)
    return np.load(kept)
