"""Memory of a real Milvus server, and how long searches take, while the same products are written again and again."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from encoders.spec import FloatArray
from indexer.errors import StoreUnavailable
from indexer.milvus.config import MilvusConfig
from indexer.milvus.connection import connect_blocking
from indexer.milvus.store import MilvusProductStore, open_active_store
from tests import milvus3
from tests.milvus.made_products import SPEC, made_row, made_vectors
from tests.milvus_server import MilvusServer, milvus_server

PRODUCTS = 2_000
RATE = int(os.environ.get("MILVUS_UPSERTS_PER_S", "50"))
SECONDS = float(os.environ.get("MILVUS_UPSERT_SECONDS", "60"))
SAMPLES = 6


class Sample(NamedTuple):
    """One stretch of the run."""

    upserts: int
    per_s: float
    memory_mb: float
    search_ms: float
    """Median."""
    longest_ms: float
    """Of a search."""
    unanswered: int
    """Calls that the server did not answer within the deadline; a batch among them is sent again, as a worker does."""


async def test_memory_and_latency_under_upserts_of_the_same_products(tmp_path: Path) -> None:
    vectors = made_vectors(PRODUCTS)
    try:
        with milvus_server(tmp_path) as server:
            config = MilvusConfig(server.address, deadline_s=30, full_text=False)
            store = await open_active_store(config, SPEC, create=True)
            await store.write([made_row(number, 1, vectors[number]) for number in range(PRODUCTS)])
            samples: list[Sample] = []
            for _ in range(SAMPLES):
                done = samples[-1].upserts if samples else 0
                samples.append(await _stretch(server, store, vectors, done))
                print(samples[-1])
            with closing(connect_blocking(config)) as client:
                client.flush(store.generation)
            print(f"after a flush: {_memory_mb(server):.0f} MB")
            assert (await store.count()).searchable == PRODUCTS
            await store.close()
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))


async def _stretch(server: MilvusServer, store: MilvusProductStore, vectors: FloatArray, done: int) -> Sample:
    """A part of the run: a batch a second, as far as the server keeps up, and a search after each."""
    began, took, at, unanswered = time.monotonic(), list[float](), done, 0
    while (elapsed := time.monotonic() - began) < SECONDS / SAMPLES:
        numbers = [(at + number) % PRODUCTS for number in range(RATE)]
        try:
            await store.write([made_row(number, 2 + at, vectors[number]) for number in numbers])
            at += RATE
            asked = time.monotonic()
            await store.search_dense(vectors[0], (), 100)
            took.append(time.monotonic() - asked)
        except StoreUnavailable:
            unanswered += 1
        await asyncio.sleep(max(0.0, elapsed + 1 - (time.monotonic() - began)))
    rate = (at - done) / (time.monotonic() - began)
    search_ms, longest_ms = (round(1_000 * float(one(took))) for one in (np.median, np.max))
    return Sample(at, round(rate, 1), round(_memory_mb(server)), search_ms, longest_ms, unanswered)


def _memory_mb(server: MilvusServer) -> float:
    """What the server holds of the machine's memory."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1_024
