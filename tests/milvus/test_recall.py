"""Approximate search on a real segment engine: sealed segments, HNSW and IVF, filters and weights of the parts.

A row of Milvus 2.3 has one vector, so each field of an approximate index is a collection of its own here; the search
over them, what the indexes are made with and what they are asked with are the product store's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pytest
from pymilvus import MilvusClient

from encoders.spec import FloatArray
from indexer.criteria import Filters
from indexer.filter_parsing import parse_filters
from indexer.milvus.collection import MilvusCollection
from indexer.milvus.config import MilvusConfig, build_parameters
from indexer.milvus.connection import connect_blocking, connect_milvus
from indexer.milvus.queries.approximate import IMAGE_FIELD, JOINT_FIELD, TEXT_FIELD, search_with_rescoring
from indexer.milvus.queries.filter_expressions import to_milvus_expression
from indexer.milvus.schema import product_schema
from indexer.milvus.store import MilvusProductStore, open_active_store
from indexer.milvus.upsert_request import PackedRow, request_chunks, upsert_request
from indexer.milvus.vector_types import FLOAT32
from indexer.ports.products import ScoredIds
from indexer.records import IndexRow
from tests.milvus.made_products import PRODUCTS, SPEC, made_row, made_vectors

QUERIES = 20
LEAST_RECALL = 0.98
WEIGHTS = {"text": (1.0, 0.0), "image": (0.0, 1.0), "both": (0.6, 0.4)}
KEPT = {"all": 1.0, "a half": 0.5, "a tenth": 0.1}
PARTS = {TEXT_FIELD: slice(0, SPEC.dim), IMAGE_FIELD: slice(SPEC.dim, None), JOINT_FIELD: slice(None)}


@dataclass
class SplitIndex:
    """`VectorIndex` over an exact store and a collection for each approximate field."""

    store: MilvusProductStore
    fields: dict[str, MilvusCollection]
    config: MilvusConfig

    async def nearest(self, field: str, vector: FloatArray, filters: Filters, limit: int) -> list[str]:
        parameters = self.config.search_parameters(self.config.index_type, limit)
        return await self.fields[field].nearest("vector", vector, to_milvus_expression(filters), limit, parameters)

    async def exact(self, vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        return await self.store.search_dense(vector, filters, limit)

    async def count_matching(self, filters: Filters) -> int:
        return await self.store.count_matching(filters)


@pytest.fixture(scope="module")
def vectors() -> FloatArray:
    return made_vectors(PRODUCTS)


@pytest.fixture(scope="module")
async def exact_store(real_milvus: str, vectors: FloatArray) -> MilvusConfig:
    """A server whose active generation has all products."""
    config = MilvusConfig(real_milvus, deadline_s=30, full_text=False)
    with closing(connect_blocking(config)) as client:
        for name in client.list_collections():
            client.drop_collection(name)
        store = await open_active_store(config, SPEC, create=True)
        for start in range(0, PRODUCTS, 1_000):
            await store.write([made_row(at, 1, vectors[at]) for at in range(start, min(start + 1_000, PRODUCTS))])
        client.flush(store.generation)
        await store.close()
    return config


@pytest.fixture(params=["HNSW", "IVF_FLAT"])
async def index(
    request: pytest.FixtureRequest, exact_store: MilvusConfig, vectors: FloatArray
) -> AsyncIterator[SplitIndex]:
    config = MilvusConfig(exact_store.uri, deadline_s=30, index_type=request.param, full_text=False)
    store = await open_active_store(exact_store, SPEC, create=False)
    fields = {name: MilvusCollection(connect_milvus(config), f"{name}_{request.param}", 30) for name in PARTS}
    with closing(connect_blocking(config)) as client:
        for name, part in PARTS.items():
            _make(client, fields[name].name, vectors[:, part].shape[1], config.index_type)
            await _fill(fields[name], vectors[:, part])
            await asyncio.to_thread(_seal, client, fields[name].name)
    yield SplitIndex(store, fields, config)
    for collection in (store, *fields.values()):
        await collection.close()


def _make(client: MilvusClient, name: str, dim: int, index_type: str) -> None:
    client.create_collection(name, schema=product_schema(dim, full_text=False), consistency_level="Strong")
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("vector", index_type=index_type, metric_type="IP", params=build_parameters(index_type))
    client.create_index(name, indexes)
    client.load_collection(name)


async def _fill(collection: MilvusCollection, vectors: FloatArray) -> None:
    rows: Sequence[IndexRow] = [made_row(at, 1, vector) for at, vector in enumerate(vectors)]
    for chunk in request_chunks(map(PackedRow.of, rows), vectors_per_row=1):
        await collection.upsert(upsert_request(collection.name, chunk, parts=False, vector_type=FLOAT32))


def _seal(client: MilvusClient, name: str) -> None:
    """Have all rows in sealed segments that are searched by their index: a growing one is scanned."""
    client.flush(name)
    while client.describe_index(name, "vector")["indexed_rows"] < PRODUCTS:
        time.sleep(0.2)
    client.release_collection(name)
    client.load_collection(name)


async def test_an_approximate_index_finds_nearly_all_whatever_the_weights_and_filters(index, vectors):
    recalls = {
        (weights, kept): await _recall(index, vectors, np.array(WEIGHTS[weights]), share)
        for weights in WEIGHTS
        for kept, share in KEPT.items()
    }
    print(index.config.index_type, PRODUCTS, {key: round(recall, 4) for key, recall in recalls.items()})
    assert min(recalls.values()) >= LEAST_RECALL, recalls


async def _recall(index: SplitIndex, vectors: FloatArray, weights: FloatArray, share: float) -> float:
    """The share of the 100 products with the greatest exact scores that is found."""
    kept = int(share * PRODUCTS)
    filters = parse_filters({"price": {"lt": kept}}) if share < 1 else ()
    queries = made_vectors(QUERIES, seed=1) * np.repeat(weights, SPEC.dim).astype(np.float32)
    # Beside each other: each waits for the server's clock to tick.
    searches = (search_with_rescoring(index, query, filters, 100, exact_below=0) for query in queries)
    found = 0
    for query, answer in zip(queries, await asyncio.gather(*searches), strict=True):
        scores = vectors[:kept] @ query
        least = np.sort(scores)[-100]
        found += sum(scores[int(product_id[1:])] >= least - 1e-6 for product_id in answer.ids)
    return found / (100 * QUERIES)
