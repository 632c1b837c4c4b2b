"""How soon a change is searchable: from publishing an event to the first search over HTTP that shows it.

Writes `build/reports/freshness.json`. Run by `make bench`.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from streams.events import PRODUCT_EVENTS, DeletedProduct, Event, Product
from streams.producer import EventPublisher
from tests.stack import Stack

CHANGES = 300
"""Of each kind."""
DEADLINE_S = 10.0
REPORTS = Path(__file__).parents[2] / "build" / "reports"


def event(type: str, data: Product | DeletedProduct) -> Event:
    return Event(uuid.uuid4().hex, "bench", type, int(time.time() * 1000), data)


async def shown(http: httpx.AsyncClient, words: str) -> dict[str, Any] | None:
    """The product that a hybrid search for its one rare word puts first, if it has that word."""
    response = await http.post("/v1/search", json={"text": words, "k": 1})
    response.raise_for_status()
    hits = response.json()["hits"]
    return hits[0] if hits and words in hits[0]["title"] else None


async def time_until(condition: Callable[[], Awaitable[bool]]) -> float:
    """Seconds until a condition holds, asked again at once whenever it does not."""
    started = time.perf_counter()
    while not await condition():
        assert time.perf_counter() - started < DEADLINE_S
    return time.perf_counter() - started


async def measure(stack: Stack, url: str) -> dict[str, list[float]]:
    """Create, reprice and delete products one after another, each timed until a search shows it."""
    seconds: dict[str, list[float]] = {"new product": [], "price change": [], "deletion": []}
    servers = stack.status()["kafka"]["bootstrap_servers"]
    async with EventPublisher(servers, linger_ms=0) as publisher, httpx.AsyncClient(base_url=url, timeout=10) as http:
        for number in range(CHANGES):
            product_id, word = f"fresh-{number}", f"freshword{number}"

            async def send(type: str, data: Product | DeletedProduct) -> None:
                await publisher.publish(PRODUCT_EVENTS, event(type, data))

            async def is_there(word: str = word) -> bool:
                return await shown(http, word) is not None

            async def is_repriced(word: str = word) -> bool:
                return (await shown(http, word) or {}).get("price") == 2.0

            async def is_gone(word: str = word) -> bool:
                return await shown(http, word) is None

            await send("product.created", Product(product_id, title=f"Fresh {word}", price=1.0))
            seconds["new product"].append(await time_until(is_there))
            await send("product.updated", Product(product_id, price=2.0))
            seconds["price change"].append(await time_until(is_repriced))
            await send("product.deleted", DeletedProduct(product_id))
            seconds["deletion"].append(await time_until(is_gone))
    return seconds


def test_changes_are_searchable_within_a_second(stack):
    seconds = asyncio.run(measure(stack, stack.url))
    report = {
        kind: {"n": len(some)} | {f"p{p}_ms": round(float(np.percentile(some, p)) * 1000, 1) for p in (50, 90, 99)}
        for kind, some in seconds.items()
    }
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "freshness.json").write_text(json.dumps(report, indent=2))
    print(json.dumps(report, indent=2))
    assert all(one["p99_ms"] <= 1_000 for one in report.values())
