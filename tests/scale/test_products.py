"""Many products in the embedded engine and, where it is wanted, on a real Milvus server: time, memory, recall, latency.

`SCALE_PRODUCTS`: how many. Vectors are made; rows are written by the store, as a worker writes them. On the real server
they are then sealed, and the whole vectors are indexed by HNSW in place of none.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from encoders.spec import FloatArray
from indexer.criteria import Filters
from indexer.filter_parsing import parse_filters
from indexer.milvus.collection import MilvusCollection
from indexer.milvus.config import MilvusConfig, build_parameters
from indexer.milvus.connection import connect_blocking, connect_milvus
from indexer.milvus.limits import DEFAULT_LIMITS
from indexer.milvus.queries.filter_expressions import to_milvus_expression
from indexer.milvus.store import MilvusProductStore, open_active_store
from tests import milvus3
from tests.milvus.made_products import SPEC, made_row, made_vectors
from tests.milvus_server import milvus_server
from tests.paths import ROOT

PRODUCTS = int(os.environ.get("SCALE_PRODUCTS", "20000"))
QUERIES, LIMIT = 40, 10
KEPT = {"all": 1.0, "a tenth": 0.1, "a hundredth": 0.01}
LEAST_RECALL = 0.98
INDEX_DEADLINE_S = 3_600
REPORT = ROOT / "build" / "reports" / "scale-products.json"
Search = Callable[[FloatArray, Filters], Awaitable[Sequence[str]]]
"""Ids of the nearest, nearest first."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine with a store on it."""

    name: str
    config: MilvusConfig
    store: MilvusProductStore
    collection: MilvusCollection
    """The store's own, past the store."""
    process: psutil.Process

    @property
    def cpu_s(self) -> float:
        """Processor time so far."""
        return sum(self.process.cpu_times()[:2])

    @property
    def memory_mb(self) -> int:
        """What is resident now."""
        return round(self.process.memory_info().rss / 2**20)

    async def exact(self, query: FloatArray, filters: Filters) -> Sequence[str]:
        """By looking at every product."""
        return (await self.store.search_dense(query, filters, LIMIT)).ids

    async def by_graph(self, query: FloatArray, filters: Filters) -> Sequence[str]:
        """By HNSW, asked for as many candidates as the store asks for; their order is the index's own."""
        parameters = self.config.search_parameters("HNSW", DEFAULT_LIMITS.proposed)
        expression = to_milvus_expression(filters)
        return await self.collection.nearest("vector", query, expression, DEFAULT_LIMITS.proposed, parameters)

    def seal(self) -> None:
        """Have all rows in sealed segments."""
        with closing(connect_blocking(self.config)) as client:
            client.flush(self.store.generation, timeout=INDEX_DEADLINE_S)

    def index_by_graph(self) -> None:
        """Search by HNSW from now on, and wait until all rows are in it."""
        name = self.store.generation
        with closing(connect_blocking(self.config)) as client:
            client.release_collection(name)
            client.drop_index(name, "vector")
            indexes = client.prepare_index_params()
            indexes.add_index("vector", index_type="HNSW", metric_type="IP", params=build_parameters("HNSW"))
            client.create_index(name, indexes, timeout=INDEX_DEADLINE_S)
            while client.describe_index(name, "vector")["pending_index_rows"]:
                time.sleep(0.5)
            client.load_collection(name, timeout=INDEX_DEADLINE_S)


@asynccontextmanager
async def open_engine(name: str, directory: Path) -> AsyncIterator[Engine]:
    """Raises `milvus3.Unavailable` where it is not to be had."""
    with ExitStack() as stack:
        if name == "embedded":
            address = stack.enter_context(milvus3.lite_2_5(directory))
            config = MilvusConfig(address, deadline_s=60, lite_database=str(directory / "test.db"))
            # The file is there, and so are its tables, only after a first write.
            await (await open_active_store(config, SPEC, create=True)).close()
        else:
            server = stack.enter_context(milvus_server(directory))
            address, config = server.address, MilvusConfig(server.address, deadline_s=60, full_text=False)
        store = await open_active_store(config, SPEC, create=True)
        collection = MilvusCollection(connect_milvus(config), store.generation, config.deadline_s)
        try:
            yield Engine(name, config, store, collection, _listening(int(address.rpartition(":")[2])))
        finally:
            await collection.close()
            await store.close()


def _listening(port: int) -> psutil.Process:
    """The child of ours that listens at a port."""
    for one in psutil.Process().children(recursive=True):
        if any(link.laddr.port == port for link in one.net_connections() if link.status == psutil.CONN_LISTEN):
            return one
    raise AssertionError(f"nothing of ours listens at {port}")


@pytest.mark.parametrize("name", ["embedded", "real"])
async def test_the_nearest_are_found_among_many_products(tmp_path: Path, name: str):
    vectors = made_vectors(PRODUCTS)
    line: dict[str, Any] = {"engine": name, "products": PRODUCTS}
    try:
        async with open_engine(name, tmp_path) as engine:
            line |= await _write(engine, vectors)
            await _measure(line, "exact", engine, vectors, engine.exact)
            if name == "real":
                line["sealed_s"] = await _timed(engine.seal)
                await _measure(line, "exact, sealed", engine, vectors, engine.exact)
                line["indexed_s"] = await _timed(engine.index_by_graph)
                await _measure(line, "HNSW", engine, vectors, engine.by_graph)
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))
    for way in line.keys() & {"exact", "exact, sealed", "HNSW"}:
        assert min(one["recall"] for one in line[way]["searches"].values()) >= LEAST_RECALL, line


async def _write(engine: Engine, vectors: FloatArray) -> dict[str, float]:
    began, cpu_s = time.monotonic(), engine.cpu_s
    for start in range(0, PRODUCTS, 1_000):
        await engine.store.write([made_row(at, 1, vectors[at]) for at in range(start, min(start + 1_000, PRODUCTS))])
    return {"written_s": round(time.monotonic() - began, 1), "written_cpu_s": round(engine.cpu_s - cpu_s, 1)}


async def _timed(step: Callable[[], None]) -> float:
    """Seconds that a step takes."""
    began = time.monotonic()
    await asyncio.to_thread(step)
    return round(time.monotonic() - began, 1)


async def _measure(line: dict[str, Any], way: str, engine: Engine, vectors: FloatArray, search: Search) -> None:
    """Search in a way, and save what is known so far: of many products, what comes next may take an hour."""
    searches = {kept: await _search(engine, vectors, share, search) for kept, share in KEPT.items()}
    line[way] = {"memory_mb": engine.memory_mb, "cpu_s": round(engine.cpu_s), "searches": searches}
    _save(line)


async def _search(engine: Engine, vectors: FloatArray, share: float, search: Search) -> dict[str, float]:
    """How well, how fast and at what cost the nearest of those that a filter keeps are found."""
    kept = round(share * PRODUCTS)
    filters = parse_filters({"price": {"lt": kept}}) if share < 1 else ()
    queries = made_vectors(QUERIES, seed=1)
    await search(queries[0], filters)
    took_ms: list[float] = []
    found, cpu_s = 0, engine.cpu_s
    for query in queries:
        began = time.monotonic()
        ids = (await search(query, filters))[:LIMIT]
        took_ms.append(1_000 * (time.monotonic() - began))
        scores = vectors[:kept] @ query
        least = np.partition(scores, -LIMIT)[-LIMIT]
        found += sum(scores[int(product_id[1:])] >= least - 1e-6 for product_id in ids)
    return {
        "recall": float(found) / (LIMIT * QUERIES),
        "p50_ms": round(float(np.median(took_ms)), 1),
        "p99_ms": round(float(np.percentile(took_ms, 99)), 1),
        "cpu_ms": round(1_000 * (engine.cpu_s - cpu_s) / QUERIES, 2),
    }


def _save(line: dict[str, object]) -> None:
    lines = json.loads(REPORT.read_text())["rows"] if REPORT.exists() else []
    kept = [one for one in lines if (one["engine"], one["products"]) != (line["engine"], line["products"])]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps({"rows": [*kept, line]}, indent=1))
    print(line)
