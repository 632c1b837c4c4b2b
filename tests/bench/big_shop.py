"""A catalogue of 100,000 products in an embedded Milvus, with vectors as encoders make them: clustered, some absent."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pymilvus import AsyncMilvusClient

from encoders.spec import PART_SCALE, EmbeddingSpec, FloatArray, normalise_rows
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.store import MilvusProductStore, open_active_store
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from query_api.evaluation.index_recall import StoredVectors
from tests import milvus3

DIM, CLUSTERS = 128, 400
WITHOUT_PICTURE = 0.3
SPREAD = 0.9
"""Length of what sets a product apart from others of its cluster, whose centres have length 1."""
VOCABULARY = [f"word{number}" for number in range(3_000)]
_CHUNK = 2_000
_DEADLINE_S = 60.0


@dataclass(frozen=True)
class BigShop:
    """The store and what is in it."""

    store: MilvusProductStore
    bare: AsyncMilvusClient
    """A client as anybody has it."""
    spec: EmbeddingSpec
    live: StoredVectors


@asynccontextmanager
async def open_big_shop(directory: Path, spec: EmbeddingSpec, products: int, index_type: str) -> AsyncIterator[BigShop]:
    """Start a Milvus Lite, index the products, and stop it at the end."""
    rng, chance = np.random.default_rng(0), random.Random(0)
    vectors = fused_vectors(rng, products)
    prices = np.round(rng.gamma(2.0, 25.0, products), 2)
    names = [f"p{number:06d}" for number in range(products)]
    with milvus3.lite_2_5(directory) as address:
        database = str(directory / "test.db")
        # What an approximate index is spared is to these products as the default is to millions.
        config = MilvusConfig(
            address,
            deadline_s=_DEADLINE_S,
            lite_database=database,
            index_type=index_type,
            exact_below=products // 50,
        )
        # The file is there, and so are its tables, only after a first write.
        await (await open_active_store(config, spec, create=True)).close()
        store = await open_active_store(config, spec, create=True)
        bare = AsyncMilvusClient(address, dedicated=True, timeout=_DEADLINE_S)
        try:
            for start in range(0, products, _CHUNK):
                chunk = range(start, min(products, start + _CHUNK))
                await store.write([_row(names[at], vectors[at], float(prices[at]), chance) for at in chunk])
            yield BigShop(store, bare, spec, StoredVectors(names, vectors, prices))
        finally:
            await bare.close()
            await store.close()


def fused_vectors(rng: np.random.Generator, products: int) -> FloatArray:
    """Fused vectors (n, 2·dim): text and picture of a product of one cluster, or of two that have to do with it."""
    centres = normalise_rows(rng.standard_normal((CLUSTERS, DIM)).astype(np.float32))
    # Some clusters are much larger than others.
    sizes = rng.zipf(1.4, CLUSTERS).clip(max=200).astype(np.float64)
    texts = rng.choice(CLUSTERS, products, p=sizes / sizes.sum())
    looks = np.where(rng.random(products) < 0.7, texts, rng.integers(0, CLUSTERS, products))
    text, image = (normalise_rows(centres[at] + _apart(rng, products)) for at in (texts, looks))
    image[rng.random(products) < WITHOUT_PICTURE] = 0
    return np.concatenate([text, image], axis=1) * PART_SCALE


def _apart(rng: np.random.Generator, rows: int) -> FloatArray:
    return (rng.standard_normal((rows, DIM)) * (SPREAD / np.sqrt(DIM))).astype(np.float32)


def _row(product_id: str, vector: FloatArray, price: float, chance: random.Random) -> IndexRow:
    fields: dict[str, Any] = {
        "title": " ".join(draw_words(chance, 10)),
        "brand": f"brand{chance.randrange(200)}",
        "category": f"A{chance.randrange(5)}/B{chance.randrange(8)}",
        "price": price,
        "in_stock": chance.random() < 0.8,
        "attributes": {"colour": chance.choice(("red", "blue", "green")), "size": ["S", "M"]},
    }
    state = ProductState().merge(
        ProductChange(product_id, EventStamp(1, "bench", product_id), fields, replaces_all_fields=True)
    )
    return build_row(product_id, StoredProduct(state, "hash"), vector)


def draw_words(chance: random.Random, count: int) -> list[str]:
    """Words, few of them often."""
    return [VOCABULARY[min(int(chance.paretovariate(0.4)), len(VOCABULARY)) - 1] for _ in range(count)]
