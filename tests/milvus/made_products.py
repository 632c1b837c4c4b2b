"""Products with made vectors: near each other in groups, as real ones are, so that an index has something to lose."""

from __future__ import annotations

import os

import numpy as np

from encoders.spec import EmbeddingSpec, FloatArray
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row

PRODUCTS = int(os.environ.get("MILVUS_PRODUCTS", "20000"))
SPEC = EmbeddingSpec("hash", "1", 64)
_GROUPS = 200
_SPREAD = 0.5


def made_row(number: int, version: int, vector: FloatArray, **fields: object) -> IndexRow:
    """A product as its event of a version leaves it."""
    product_id = f"p{number:06d}"
    stated = {"title": f"Product {number}", "price": float(number), **fields}
    change = ProductChange(product_id, EventStamp(version, "made", str(version)), stated, replaces_all_fields=True)
    return build_row(product_id, StoredProduct(ProductState().merge(change), text_hash=f"v{version}"), vector)


def made_vectors(count: int, seed: int = 0) -> FloatArray:
    """Fused vectors (count, 2·dim): unit parts around the centres of groups; every fifth has no picture."""
    random = np.random.default_rng(seed)
    halves = [_unit_parts(random, count) for _ in range(2)]
    halves[1][::5] = 0.0
    return np.concatenate(halves, axis=1) * np.float32(np.sqrt(0.5))


def _unit_parts(random: np.random.Generator, count: int) -> FloatArray:
    # The same centres for every seed: queries are like products.
    centres = np.random.default_rng(99).standard_normal((_GROUPS, SPEC.dim))
    parts = centres[random.integers(0, _GROUPS, count)] + _SPREAD * random.standard_normal((count, SPEC.dim))
    return (parts / np.linalg.norm(parts, axis=1, keepdims=True)).astype(np.float32)
