"""Whatever changes, gets lost or starts anew: an answer knows of all that was searchable when its request came."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import StoreUnavailable
from indexer.in_memory_store import InMemoryProductStore
from indexer.ports.changes import LogPosition, LogReading
from indexer.redis.change_log import InMemoryChangeLog
from query_api.config import QueryConfig
from tests.shop import Shop

TITLES = ["red mug", "blue mug", "green hoodie", "红色 杯", "mug mug mug", ""]
REQUESTS: Sequence[dict[str, Any]] = [
    {"text": "red mug", "mode": "dense"},
    {"text": "mug", "filters": {"price": {"lt": 3}}},
    {"text": "hoodie", "mode": "lexical"},
    {"filters": {"category": "A"}, "sort": "price"},
    {"text": "mug", "sort": "-price", "facets": ["category"], "k": 2},
    {"product_id": "a"},
    {"text": "hodie"},
    {"text": "mug", "user_id": "ann"},
    {"text": "red mug", "mode": "dense", "user_id": "ann", "facets": ["category"]},
]
ANSWERS = int(os.environ.get("STALE_ANSWERS", "600"))
"""Answers of the long run; more by hand."""


class UnsteadyLog(InMemoryChangeLog):
    """Loses connections and memory when it is told to."""

    is_away = False

    async def read(self, after: LogPosition | None) -> LogReading:
        await asyncio.sleep(0)
        if self.is_away:
            raise StoreUnavailable("away")
        return await super().read(after)

    async def since(self, position: int) -> tuple[int, list[str]] | None:
        if self.is_away:
            raise StoreUnavailable("away")
        return await super().since(position)


def workers(config: QueryConfig, count: int = 2, **replaced: Any) -> list[Shop]:
    """Query workers of one shop."""
    first = Shop(config, change_log=UnsteadyLog(kept=20), **replaced)
    services = first.services
    shared = {
        "store": services.store,
        "change_log": services.change_log,
        "candidate_cache": services.candidate_cache,
        "profiles": first.profiles,
    }
    # Each has its own reader of the one log.
    return [first, *(Shop(config, **(replaced | shared)) for _ in range(count - 1))]


changes = st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(TITLES), st.integers(0, 5), st.sampled_from("AB"))
searches = st.tuples(st.integers(0, 1), st.integers(0, len(REQUESTS) - 1))
happenings = st.sampled_from(["flush", "restart", "away", "back", "evict"])
steps = st.lists(changes | searches | searches | st.sampled_from("abcdefgh") | happenings, min_size=4, max_size=40)


@given(steps)
@settings(max_examples=50, deadline=None)
def test_answers_of_all_workers_equal_fresh_ones_after_anything_that_happens(trace: list[Any]) -> None:
    asyncio.run(_follow(trace, QueryConfig(redis_deadline_s=1)))


@given(steps)
@settings(max_examples=30, deadline=None)
def test_so_they_do_where_little_is_kept(trace: list[Any]) -> None:
    asyncio.run(_follow(trace, QueryConfig(redis_deadline_s=1, cache_memory_bytes=4_000, cache_repair_products=2)))


async def _follow(trace: list[Any], config: QueryConfig) -> None:
    shops = workers(config)
    log = shops[0].services.change_log
    assert isinstance(log, UnsteadyLog)
    await shops[0].interact("ann", ["a", "b", "c"] * 3)
    async with shops[0].client() as first, shops[1].client() as second:
        for step in trace:
            if isinstance(step, str):
                await _happen(step, shops[0], log)
            elif len(step) == 4:
                await shops[0].put(step[0], title=step[1], price=float(step[2]), category=step[3])
            else:
                await _compare((first, second)[step[0]], REQUESTS[step[1]])
        for request in REQUESTS:
            await _compare(first, request)
            await _compare(second, request)
    for shop in shops:
        shop.close()


async def _happen(what: str, shop: Shop, log: UnsteadyLog) -> None:
    if what == "flush":
        log.flush()
        shop.candidates.entries.clear()
    elif what == "restart":
        log.epoch += "'"
    elif what == "evict":
        shop.candidates.entries.clear()
    elif what in ("away", "back"):
        log.is_away = what == "away"
    else:
        await shop.delete(what)


async def _compare(client: httpx.AsyncClient, request: dict[str, Any]) -> None:
    cached = await client.post("/v1/search", json=request)
    fresh = await client.post("/v1/search", json=request, headers={"cache-control": "no-cache"})
    assert cached.status_code == fresh.status_code, cached.text
    if cached.status_code == 200:
        assert _essence(cached.json(), request) == _essence(fresh.json(), request)


def _essence(found: dict[str, Any], request: dict[str, Any]) -> Any:
    shown = [(hit["product_id"], hit["title"], hit["price"], hit["category"]) for hit in found["hits"]]
    if request.get("mode") != "dense":
        # BM25 scores of unchanged products may be those of the words' earlier frequencies: which of equal prices are
        # on a page is theirs to say.
        shown = sorted(shown) if len(shown) == found["total"] else [price for _, _, price, _ in shown]
    return shown, found["total"], found.get("facets"), found.get("did_you_mean"), found.get("corrected")


class SlowStore(InMemoryProductStore):
    """Gives others a turn within each call, so that changes come in the middle of searches."""

    async def read(self, product_ids: Sequence[str]) -> Any:
        found = await super().read(product_ids)
        await asyncio.sleep(0)
        return found

    async def search_dense(self, *args: Any) -> Any:
        found = await super().search_dense(*args)
        await asyncio.sleep(0)
        return found

    async def search_terms(self, *args: Any) -> Any:
        await asyncio.sleep(0)
        return await super().search_terms(*args)

    async def browse(self, *args: Any) -> Any:
        found = await super().browse(*args)
        await asyncio.sleep(0)
        return found


async def test_no_answer_is_older_than_its_request_while_everything_changes() -> None:
    """Each product's price only grows, so what an answer shows of it tells when it was true."""
    dice = random.Random(1)
    shops = workers(QueryConfig(redis_deadline_s=5), store=SlowStore(Shop().encoder.spec))
    prices: dict[str, float] = {}
    asked = hits = 0

    async def change() -> None:
        at = 0
        while asked < ANSWERS:
            at += 1
            product_id = f"p{dice.randrange(30)}"
            await shops[0].put(product_id, title=f"{dice.choice(['red', 'blue'])} mug", price=float(at))
            prices[product_id] = float(at)
            for _ in range(dice.randrange(40)):
                await asyncio.sleep(0)

    async def ask(client: httpx.AsyncClient) -> None:
        nonlocal asked, hits
        while asked < ANSWERS:
            asked += 1
            request = {
                "text": dice.choice(["red mug", "blue mug", "mug"]),
                "k": 100,
                "mode": dice.choice(["dense", "hybrid"]),
            }
            before = dict(prices)
            found = (await client.post("/v1/search", json=request)).json()
            shown = {hit["product_id"]: hit["price"] for hit in found["hits"]}
            stale = {one for one, price in before.items() if shown.get(one, -1.0) < price}
            assert not stale, (request, found["cache"], stale)
            hits += found["cache"] == "hit"

    async with shops[0].client() as first, shops[1].client() as second:
        await asyncio.gather(change(), *(ask(client) for client in (first, second) for _ in range(4)))
    assert hits > ANSWERS / 2
    for shop in shops:
        shop.close()
