"""Many products in the embedded engine and, where it is wanted, on a real Milvus server: time, memory, recall, latency.

`SCALE_PRODUCTS`: how many. Vectors are made; rows are written by the store, as a worker writes them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest

from encoders.spec import FloatArray
from indexer.filter_parsing import parse_filters
from indexer.milvus.config import MilvusConfig
from indexer.milvus.store import MilvusProductStore, open_active_store
from tests import milvus3
from tests.milvus.made_products import SPEC, made_row, made_vectors
from tests.milvus_server import milvus_server
from tests.paths import ROOT

PRODUCTS = int(os.environ.get("SCALE_PRODUCTS", "20000"))
QUERIES, LIMIT = 40, 10
KEPT = {"all": 1.0, "a tenth": 0.1, "a hundredth": 0.01}
LEAST_RECALL = 0.98
REPORT = ROOT / "build" / "reports" / "scale-products.json"


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine with a store on it."""

    name: str
    store: MilvusProductStore
    process: psutil.Process

    @property
    def cpu_s(self) -> float:
        """Processor time so far."""
        return sum(self.process.cpu_times()[:2])


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
        try:
            yield Engine(name, store, _listening(int(address.rpartition(":")[2])))
        finally:
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
    try:
        async with open_engine(name, tmp_path) as engine:
            began = time.monotonic()
            for start in range(0, PRODUCTS, 1_000):
                rows = [made_row(at, 1, vectors[at]) for at in range(start, min(start + 1_000, PRODUCTS))]
                await engine.store.write(rows)
            line = {"engine": name, "products": PRODUCTS, "written_s": round(time.monotonic() - began, 1)}
            searches = {kept: await _search(engine, vectors, share) for kept, share in KEPT.items()}
            memory_mb = round(engine.process.memory_info().rss / 2**20)
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))
    _save(line | {"memory_mb": memory_mb, "searches": searches})
    assert min(one["recall"] for one in searches.values()) >= LEAST_RECALL, searches


async def _search(engine: Engine, vectors: FloatArray, share: float) -> dict[str, float]:
    """How well, how fast and at what cost the nearest of those that a filter keeps are found."""
    kept = round(share * PRODUCTS)
    filters = parse_filters({"price": {"lt": kept}}) if share < 1 else ()
    queries = made_vectors(QUERIES, seed=1)
    await engine.store.search_dense(queries[0], filters, LIMIT)
    took_ms: list[float] = []
    found, cpu_s = 0, engine.cpu_s
    for query in queries:
        began = time.monotonic()
        answer = await engine.store.search_dense(query, filters, LIMIT)
        took_ms.append(1_000 * (time.monotonic() - began))
        scores = vectors[:kept] @ query
        least = np.sort(scores)[-LIMIT]
        found += sum(scores[int(product_id[1:])] >= least - 1e-6 for product_id in answer.ids)
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
