"""What shoppers feel of a rebuild: queries at a steady rate, quiet and while 20,000 products are encoded anew.

About 10 minutes; `BENCH_REINDEX_PRODUCTS` makes it smaller.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.milvus.connection import MilvusConfig
from indexer.milvus.registry import GenerationRegistry
from indexer.milvus.store import open_store_to_read
from streams.config import KafkaConfig
from streams.events.schema import PRODUCT_EVENTS, Event, Product
from streams.kafka.producer import BulkSender, EventPublisher
from tests.bench.report import Target, percentiles, publish_report
from tests.stack import Stack, start_stack

PRODUCTS = int(os.environ.get("BENCH_REINDEX_PRODUCTS", "20000"))
QUERIES_PER_S = float(os.environ.get("BENCH_REINDEX_QUERIES_PER_S", "5"))
UPDATES_PER_S = 100.0
QUIET_S = 30.0
INDEXED_S = 600.0
REBUILD_S = 900.0
WORDS = ("red", "blue", "green", "black", "white", "linen", "wool", "steel")
KINDS = ("hoodie", "kettle", "sofa", "lamp", "boots", "jacket")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    running = start_stack(tmp_path, VITRINE_ENCODER_NAME="mini")
    yield running
    running.cli("down")


def test_shoppers_hardly_feel_a_rebuild(stack: Stack, tmp_path: Path):
    asyncio.run(_measure(stack, tmp_path / "reindex.log"))


async def _measure(stack: Stack, log: Path) -> None:
    status = stack.status()
    servers, url = status["kafka"]["bootstrap_servers"], status["query_workers"][0]["url"]
    async with EventPublisher(KafkaConfig(servers)) as publisher, httpx.AsyncClient(base_url=url, timeout=30) as http:
        sender = BulkSender(publisher, lambda _: None)
        for number in range(PRODUCTS):
            await sender.send(PRODUCT_EVENTS, _event(number, 1))
        await sender.wait_delivered()
        await _until(lambda: _searchable(http), PRODUCTS)
        updates = asyncio.create_task(_update(publisher))
        await _ask(http, QUIET_S / 3)
        quiet, _ = await _ask(http, QUIET_S)
        began = time.monotonic()
        with _reindexing(stack, log) as rebuild:
            busy, faults = await _ask(http, REBUILD_S, rebuild)
        took_s = time.monotonic() - began
        updates.cancel()
        await asyncio.wait([updates])
    assert rebuild.returncode == 0, f"ended by {rebuild.returncode} after {took_s:.0f} s: {_end_of(log)}"
    stack.wait_until_indexed()
    lost = await _differences(stack)
    before, during = percentiles(quiet), percentiles(busy)
    targets = [
        Target("queries that failed", float(faults), 0.0, at_most=True),
        Target("products that are not as their last event", float(lost), 0.0, at_most=True),
        Target("p99 of the quiet p99", during["p99_ms"] / before["p99_ms"], 2.0, at_most=True),
    ]
    rows = [("100 updates/s", len(quiet), *before.values()), ("and a rebuild", len(busy), *during.values())]
    publish_report(
        "reindexing", ["beside", "queries", "p50 ms", "p99 ms"], rows, targets, products=PRODUCTS, took_s=took_s
    )


_prices: dict[str, float] = {}
"""What was published last, by product id."""


def _event(number: int, version: int) -> Event:
    name, price = f"p{number:06d}", float(number % 500 + version)
    _prices[name] = price
    title = f"{WORDS[number % 8]} {WORDS[number // 8 % 8]} {KINDS[number % 6]} {number}"
    data = Product(name, version, title=title, price=price) if version == 1 else Product(name, version, price=price)
    kind = "product.created" if version == 1 else "product.updated"
    return Event(f"{name}-{version}", "bench", kind, int(time.time() * 1000), data)


async def _update(publisher: EventPublisher) -> None:
    number, due = 0, time.monotonic()
    while True:
        await publisher.publish(PRODUCT_EVENTS, _event(number * 7 % PRODUCTS, 2 + number // PRODUCTS))
        number, due = number + 1, due + 1 / UPDATES_PER_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _ask(
    http: httpx.AsyncClient, seconds: float, until: subprocess.Popen[bytes] | None = None
) -> tuple[list[float], int]:
    """Milliseconds of each query of a steady stream, counted from when it was due; and how many failed."""
    took_ms: list[float] = []
    faults = 0
    asked: set[asyncio.Task[None]] = set()

    async def one(number: int, due: float) -> None:
        nonlocal faults
        text = f"{WORDS[number % 8]} {KINDS[number // 8 % 6]} {number}"
        answer = await http.get("/v1/search", params={"q": text}, headers={"cache-control": "no-cache"})
        faults += answer.status_code != 200
        took_ms.append((time.monotonic() - due) * 1000)

    begin = time.monotonic()
    for number in range(int(seconds * QUERIES_PER_S)):
        due = begin + number / QUERIES_PER_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        task = asyncio.create_task(one(number, due))
        asked.add(task)
        task.add_done_callback(asked.discard)
        if until is not None and until.poll() is not None:
            break
    await asyncio.gather(*asked)
    return took_ms, faults


@contextmanager
def _reindexing(stack: Stack, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A rebuild; one that takes longer than anybody waits for it is killed."""
    argv = [sys.executable, "-m", "vitrine", "reindex", "--encoder", "mini#64", "--hold", "3600"]
    with log.open("wb") as output:
        process = subprocess.Popen(argv, env=stack.env, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _end_of(log: Path) -> str:
    return log.read_text()[-2000:]


async def _searchable(http: httpx.AsyncClient) -> int:
    return (await http.get("/readyz")).json()["products"]["searchable"]


async def _until(count: Any, wanted: int) -> None:
    async with asyncio.timeout(INDEXED_S):
        while await count() < wanted:
            await asyncio.sleep(1)


async def _differences(stack: Stack) -> int:
    """How many products the new generation holds otherwise than they were published last."""
    config = MilvusConfig(stack.status()["milvus"]["uri"], deadline_s=30)
    registry = GenerationRegistry(config)
    active = (await registry.read()).active
    await registry.close()
    assert active is not None and active.collection == "products_g2"
    store = await open_store_to_read(config, active)
    found: dict[str, Any] = {}
    while page := await store.scan(max(found, default=""), 256):
        found |= {one: stored.state.fields.get("price") for one, (stored, _) in page.items()}
    await store.close()
    return len(found.keys() ^ _prices.keys()) + sum(found[one] != _prices[one] for one in found.keys() & _prices.keys())
