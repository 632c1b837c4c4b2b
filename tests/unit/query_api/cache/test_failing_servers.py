"""Servers that fail before a call or after, requests that are given up, writes that land unanswered: nothing is old."""

from __future__ import annotations

import asyncio
import inspect
import random
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from indexer.errors import StoreUnavailable
from indexer.in_memory_store import InMemoryProductStore
from indexer.redis.change_log import InMemoryChangeLog
from query_api import circuit_breaker
from query_api.cache.candidate_cache import InMemoryCandidateCache
from query_api.config import QueryConfig
from query_api.contract.requests import SearchRequest
from query_api.wiring.components import QueryComponents, wire
from streams.products.change_events import ChangeLogWriter
from tests.shop import Shop

PRODUCTS, ANSWERS = 20, 300
USUAL, LONGEST = 6, 150
"""Turns of the loop that a call waits, at most, before it is made and before its answer comes: most times, and some."""
HANGS = 0.05
TEXTS = ["red mug", "blue mug", "mug"]


class Unsteady:
    """A collaborator whose calls take turns of the loop, and fail before they are made or after."""

    def __init__(self, inner: Any, dice: random.Random, fails: float) -> None:
        self._inner, self._dice, self._fails = inner, dice, fails

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        # To close it asks no server.
        if name == "aclose" or not inspect.iscoroutinefunction(attribute):
            return attribute

        async def call(*args: Any, **named: Any) -> Any:
            await self._wait_or_fail()
            answer = await attribute(*args, **named)
            await self._wait_or_fail()
            return answer

        return call

    async def _wait_or_fail(self) -> None:
        await turns(self._dice.randrange(LONGEST if self._dice.random() < HANGS else USUAL))
        if self._dice.random() < self._fails:
            raise StoreUnavailable("unsteady")


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Prices:
    """A catalogue whose prices only rise: what an answer shows of a product tells when that was true."""

    def __init__(self, store: Any, change_log: Any, dice: random.Random) -> None:
        self._shop = Shop(store=store, change_log=InMemoryChangeLog())
        self._log = ChangeLogWriter(change_log, flush_s=0)
        self._dice = dice
        self._last = 0
        self.announced: dict[str, int] = {}

    async def raise_one(self, product_id: str) -> None:
        """As the indexing worker does: write until it is known to have landed, append, announce."""
        self._last += 1
        fields = {"title": f"{self._dice.choice(['red', 'blue'])} mug", "price": float(self._last)}
        while True:
            with suppress(StoreUnavailable):
                await self._shop.put(product_id, **fields)
                break
        await self._log.append([product_id])
        self.announced[product_id] = self._last

    def close(self) -> None:
        self._shop.close()


@pytest.mark.parametrize("seed", range(2))
async def test_no_answer_is_older_than_its_request_whatever_fails(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "OPEN_S", 0.001)
    dice = random.Random(seed)
    shared = {
        "store": Unsteady(InMemoryProductStore(Shop().encoder.spec), dice, fails=0.005),
        "change_log": Unsteady(InMemoryChangeLog(kept=200), dice, fails=0.02),
        "candidate_cache": Unsteady(InMemoryCandidateCache(), dice, fails=0.02),
    }
    config = QueryConfig(redis_deadline_s=5, text_trust=False, cache_memory_bytes=60_000)
    shops = [Shop(config, **shared) for _ in range(2)]
    prices, answered, hits = Prices(shared["store"], shared["change_log"], dice), 0, 0
    for number in range(PRODUCTS):
        await prices.raise_one(f"p{number}")

    async def change() -> None:
        while answered < ANSWERS:
            await prices.raise_one(f"p{dice.randrange(PRODUCTS)}")
            await turns(dice.randrange(30))

    async def ask(one: QueryComponents) -> None:
        nonlocal answered, hits
        while answered < ANSWERS:
            request = SearchRequest(text=dice.choice(TEXTS), k=100, user_id=dice.choice([None, None, "ann"]))
            before = dict(prices.announced)
            asking = asyncio.create_task(one.answers.answer(request, dice.random() < 0.9))
            if dice.random() < 0.05:
                await turns(dice.randrange(LONGEST))
                asking.cancel()
            await asyncio.wait([asking])
            if asking.cancelled() or isinstance(asking.exception(), StoreUnavailable):
                continue
            answer = msgspec.json.decode(asking.result().body)
            shown = {hit["product_id"]: hit["price"] for hit in answer["hits"]}
            stale = {name: shown[name] for name, price in before.items() if shown.get(name, price) < price}
            assert not stale, (request, answer["cache"], answer["degraded"], stale)
            answered += 1
            hits += answer["cache"] == "hit"

    components = [wire(shop.services) for shop in shops]
    await asyncio.gather(change(), *(ask(one) for one in components for _ in range(4)))
    assert hits > ANSWERS / 5
    for one, shop in zip(components, shops, strict=True):
        await one.aclose()
        shop.close()
    prices.close()
