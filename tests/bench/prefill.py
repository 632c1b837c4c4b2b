"""The catalogue's rows as a worker would write them, but for random vectors: an index to start from, within seconds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from encoders.spec import EmbeddingSpec, FloatArray, fuse_parts
from indexer.media.store import media_hash
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.store import open_active_store
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row, embedding_text, text_hash
from tests.bench.catalogue import PRODUCTS, SOURCE, Catalogue, product_id

_CHUNK = 500


async def prefill(milvus: MilvusConfig, spec: EmbeddingSpec, catalogue: Catalogue) -> None:
    """Index the whole catalogue, as its edition 0."""
    store = await open_active_store(milvus, spec, create=True)
    try:
        for start in range(0, PRODUCTS, _CHUNK):
            await store.write(list(rows(catalogue, spec, range(start, min(start + _CHUNK, PRODUCTS)))))
    finally:
        await store.close()


def rows(catalogue: Catalogue, spec: EmbeddingSpec, numbers: range) -> Iterator[IndexRow]:
    """Rows of products by their numbers."""
    rng = np.random.default_rng(numbers.start)
    for number in numbers:
        digest = media_hash(catalogue.picture(number, 0))
        fields = catalogue.fields[number] | {"images": [{"hash": digest}]}
        name = product_id(number)["product_id"]
        stamp = EventStamp(0, SOURCE, f"w-{number}-0")
        state = ProductState().merge(ProductChange(name, stamp, fields, replaces_all_fields=True))
        vector = fuse_parts(spec, _unit(rng, spec.dim), _unit(rng, spec.dim))
        yield build_row(name, StoredProduct(state, text_hash(embedding_text(fields)), (digest,)), vector)


def _unit(rng: np.random.Generator, dim: int) -> FloatArray:
    vector = rng.standard_normal(dim).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))
