"""A real Milvus server killed, flushed and compacted while products are written: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from indexer.errors import StoreUnavailable
from indexer.milvus.config import MilvusConfig
from indexer.milvus.connection import connect_blocking
from indexer.milvus.store import MilvusProductStore, open_active_store
from tests import milvus3
from tests.milvus.made_products import SPEC, made_row, made_vectors
from tests.milvus_server import MilvusServer, milvus_server

T = TypeVar("T")
PRODUCTS = 2_000
BATCH = 64
KILLS = 3


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[MilvusServer]:
    try:
        with milvus_server(tmp_path) as server:
            yield server
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
async def store(server: MilvusServer) -> AsyncIterator[MilvusProductStore]:
    opened = await open_active_store(config(server), SPEC, create=True)
    yield opened
    await opened.close()


def config(server: MilvusServer) -> MilvusConfig:
    return MilvusConfig(server.address, deadline_s=10, full_text=False)


@dataclass
class Writer:
    """Writes the products again and again, each time with a greater version; tries again what was not acknowledged."""

    store: MilvusProductStore
    acknowledged: dict[int, int] = field(default_factory=dict)
    """The last version of each product."""
    batches: int = 0
    refused: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        random, vectors = np.random.default_rng(3), made_vectors(PRODUCTS)
        while not stop.is_set():
            numbers = random.choice(PRODUCTS, BATCH, replace=False).tolist()
            versions = {number: self.acknowledged.get(number, 0) + 1 for number in numbers}
            rows = [made_row(number, version, vectors[number]) for number, version in versions.items()]
            await self._until_acknowledged(lambda rows=rows: self.store.write(rows))
            self.acknowledged |= versions
            self.batches += 1

    async def _until_acknowledged(self, write: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await write()
            except StoreUnavailable as error:
                self.refused += 1
                await asyncio.sleep(error.retry_after_s / 10)

    async def check(self, since: dict[int, int] | None = None) -> None:
        """Every product is stored as it was acknowledged: no other version, none missing, none twice."""
        names = {f"p{number:06d}": version for number, version in (since or self.acknowledged).items()}
        stored = await patiently(lambda: self.store.read_states(list(names)))
        assert {one: product.text_hash for one, product in stored.items()} == {
            one: f"v{version}" for one, version in names.items()
        }
        assert (await patiently(self.store.count)).searchable == len(self.acknowledged)


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    async with asyncio.timeout(120):
        while True:
            try:
                return await call()
            except StoreUnavailable as error:
                await asyncio.sleep(error.retry_after_s / 10)


async def test_a_server_that_is_killed_while_products_are_written_loses_none(server, store):
    writer, stop = Writer(store), asyncio.Event()
    writing = asyncio.create_task(writer.run(stop))
    for _ in range(KILLS):
        wanted = writer.batches + 20
        while writer.batches < wanted:
            await asyncio.sleep(0.05)
        server.kill()
        await asyncio.to_thread(server.start)
    wanted = writer.batches + 20
    while writer.batches < wanted:
        await asyncio.sleep(0.05)
    stop.set()
    await writing
    print(f"{KILLS} kills, {writer.batches} batches of {BATCH}, {writer.refused} refused and tried again")
    await writer.check()


async def test_flushes_and_compactions_under_load_change_nothing_that_is_read_or_found(server, store):
    writer, stop = Writer(store), asyncio.Event()
    writing = asyncio.create_task(writer.run(stop))
    query, took = made_vectors(1, seed=5)[0], []
    with closing(connect_blocking(config(server))) as client:
        for _ in range(6):
            wanted = writer.batches + 20
            while writer.batches < wanted:
                began = time.monotonic()
                found = await store.search_dense(query, (), 100)
                took.append(time.monotonic() - began)
                assert len(set(found.ids)) == len(found.ids)
            await asyncio.to_thread(client.flush, store.generation, timeout=60)
            job = await asyncio.to_thread(client.compact, store.generation)
            assert job
            seen = dict(writer.acknowledged)
            stored = await store.read_states([f"p{number:06d}" for number in seen])
            stale = [n for n, version in seen.items() if int(stored[f"p{n:06d}"].text_hash[1:]) < version]
            assert not stale
    stop.set()
    await writing
    print(
        f"{writer.batches} batches of {BATCH}, search median {1000 * np.median(took):.0f} ms, {writer.refused} refused"
    )
    await writer.check()
