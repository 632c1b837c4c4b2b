"""The candidate cache: hits are as true as searches, whatever changed in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.port import HashEncoder
from indexer.errors import StoreUnavailable
from indexer.in_memory_store import InMemoryProductStore
from indexer.redis.change_log import InMemoryChangeLog
from query_api.cache.candidate_cache import InMemoryCandidateCache, candidate_key, decode_entry
from query_api.config import QueryConfig
from query_api.search.inputs import read_filters
from query_api.search.search_plan import canonical_filters
from tests.shop import MakeShop, Shop, png


async def ask(client: httpx.AsyncClient, request: dict[str, Any], cached: bool = True) -> dict[str, Any]:
    headers = {} if cached else {"cache-control": "no-cache"}
    response = await client.post("/v1/search", json=request, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


def beside(make_shop: MakeShop, shop: Shop) -> Shop:
    """Another query worker of the same shop."""
    services = shop.services
    return make_shop(store=services.store, change_log=services.change_log, candidate_cache=services.candidate_cache)


async def test_the_second_search_is_a_hit_and_the_same(client: httpx.AsyncClient) -> None:
    first, second = [await ask(client, {"text": "red mug"}) for _ in range(2)]
    assert (first["cache"], second["cache"]) == ("miss", "hit")
    assert first["hits"] == second["hits"]
    assert (await ask(client, {"text": "red mug"}, cached=False))["cache"] == "bypass"


@pytest.mark.parametrize(
    ("other", "state"),
    [
        ({"k": 2, "offset": 1, "sort": "price", "facets": ["brand"], "group": True, "explain": True}, "hit"),
        ({"weights": {"lexical": 0.1, "personal": 0.9}, "user_id": "ann"}, "hit"),
        ({"text": " red   mug\n"}, "hit"),
        ({"filters": {"price": {"lt": 100}}}, "miss"),
        ({"weights": {"text": 0.1}}, "miss"),
        ({"mode": "dense"}, "miss"),
        ({"product_id": "mug-red"}, "miss"),
        ({"text": "Red mug"}, "miss"),
    ],
)
async def test_what_shapes_candidates_is_part_of_the_key(
    client: httpx.AsyncClient, other: dict[str, Any], state: str
) -> None:
    await ask(client, {"text": "red mug"})
    assert (await ask(client, {"text": "red mug"} | other))["cache"] == state


async def test_a_changed_product_is_seen_by_the_next_hit(client: httpx.AsyncClient, shop: Shop) -> None:
    request = {"text": "red mug", "k": 100, "filters": {"price": {"lt": 10}}}
    await ask(client, request)
    await shop.put("mug-red", title="red mug", price=9.5)
    await shop.put("mug-new", title="red mug, new", price=1.0)
    await shop.put("mug-blue", title="blue mug", price=99.0)
    await shop.delete("mug-green")
    found = await ask(client, request)
    by_id = {hit["product_id"]: hit["price"] for hit in found["hits"]}
    assert found["cache"] == "hit"
    assert by_id == {"mug-red": 9.5, "mug-new": 1.0, "mug-black": 8.0}


async def test_a_product_query_is_searched_anew_when_the_product_itself_changed(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    await ask(client, {"product_id": "mug-red"})
    await shop.put("hoodie-red", title="red hoodie")
    assert (await ask(client, {"product_id": "mug-red"}))["cache"] == "hit"
    await shop.put("mug-red", title="black hoodie")
    found = await ask(client, {"product_id": "mug-red"})
    assert found["cache"] == "miss" and found["hits"][0]["product_id"] == "hoodie-black"


async def test_many_changes_are_a_new_search(make_shop: MakeShop) -> None:
    shop = make_shop(QueryConfig(cache_repair_products=3), change_log=InMemoryChangeLog(kept=3))
    await shop.put("a", title="mug")
    async with shop.client() as client:
        await ask(client, {"text": "mug"})
        for at in range(5):
            await shop.put(f"b{at}", title="mug")
        found = await ask(client, {"text": "mug"})
        assert found["cache"] == "miss" and found["total"] == 6


async def test_entries_expire(make_shop: MakeShop) -> None:
    now = [0.0]
    shop = make_shop(candidate_cache=InMemoryCandidateCache(lambda: now[0]), clock=lambda: now[0])
    await shop.put("a", title="mug")
    async with shop.client() as client:
        assert (await ask(client, {"text": "mug"}))["cache"] == "miss"
        now[0] = 59.0
        assert (await ask(client, {"text": "mug"}))["cache"] == "hit"
        now[0] = 61.0
        assert (await ask(client, {"text": "mug"}))["cache"] == "miss"


async def test_without_a_time_to_live_the_cache_is_off(make_shop: MakeShop) -> None:
    async with make_shop(QueryConfig(cache_ttl_s=0)).client() as client:
        assert [(await ask(client, {}))["cache"] for _ in range(2)] == ["bypass", "bypass"]


async def test_an_entry_that_cannot_be_read_is_a_miss(
    client: httpx.AsyncClient, shop: Shop, make_shop: MakeShop
) -> None:
    await ask(client, {"text": "mug"})
    for key in list(shop.candidates.entries):
        await shop.candidates.set(key, b"\xc1broken", 60)
    async with beside(make_shop, shop).client() as other:
        assert (await ask(other, {"text": "mug"}))["cache"] == "miss"
    assert decode_entry(b"") is None


def test_the_order_of_filters_and_their_values_does_not_matter() -> None:
    one = read_filters({"brand": ["a", "b"], "price": {"lt": 5}})
    other = read_filters({"price": {"lt": 5}, "brand": ["b", "a", "b"]})
    assert canonical_filters(one) == canonical_filters(other)
    assert candidate_key("g", canonical_filters(one)) != candidate_key("h", canonical_filters(one))
    assert canonical_filters(read_filters({"brand": "a"})) != canonical_filters(read_filters({"tags": "a"}))


class Hanging:
    """Redis that never answers."""

    def __init__(self) -> None:
        self.asked = 0

    async def _hang(self, *_: Any) -> Any:
        self.asked += 1
        await asyncio.Event().wait()

    get = set = position = since = read = append = histories = popular = record = forget = _hang


class Refusing:
    """A server that is gone."""

    def __getattr__(self, _: str) -> Any:
        async def refuse(*_: Any) -> Any:
            raise StoreUnavailable("gone")

        return refuse


@pytest.mark.parametrize("redis", [Hanging(), Refusing()], ids=["hanging", "gone"])
async def test_without_redis_searches_are_uncached_and_impersonal_and_say_so(make_shop: MakeShop, redis: Any) -> None:
    shop = make_shop(QueryConfig(redis_deadline_s=0.01))
    await shop.put("a", title="mug")
    broken = make_shop(
        QueryConfig(redis_deadline_s=0.01),
        store=shop.services.store,
        candidate_cache=redis,
        change_log=redis,
        profiles=redis,
    )
    async with broken.client() as client:
        for _ in range(5):
            found = await ask(client, {"text": "mug", "user_id": "ann"})
            assert found["total"] == 1 and found["cache"] == "bypass"
            assert sorted(found["degraded"]) == ["cache", "personalisation"]
        recommended = await client.get("/v1/users/ann/recommendations")
        assert recommended.status_code == 200 and recommended.json()["degraded"] == ["personalisation"]
        assert (await client.get("/readyz")).json()["redis"] is False
    if isinstance(redis, Hanging):
        # Two calls at once, then at most one more before the circuit opens; the readiness probe asks by itself.
        assert redis.asked <= 5


async def test_without_the_product_store_searches_are_503_with_retry_after(make_shop: MakeShop) -> None:
    async with make_shop(store=Refusing()).client() as client:
        for path in ("/v1/search?q=mug", "/v1/products/a", "/v1/products/a/similar", "/readyz"):
            response = await client.get(path)
            assert response.status_code == 503 and int(response.headers["retry-after"]) >= 1
            assert response.headers["content-type"] == "application/problem+json"
        assert (await client.get("/healthz")).status_code == 200


async def test_without_lexical_search_hybrid_goes_on_and_says_so(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("a", title="mug")

    async def refuse(*_: Any) -> Any:
        raise StoreUnavailable("no lexical search")

    shop.services.store.search_lexical = refuse  # type: ignore[method-assign]
    async with shop.client() as client:
        for _ in range(2):
            found = await ask(client, {"text": "mug"})
            assert (found["total"], found["degraded"], found["cache"]) == (1, ["lexical"], "miss")


async def test_over_an_index_without_full_text_words_are_left_out_and_answers_say_so(make_shop: MakeShop) -> None:
    shop = make_shop(store=InMemoryProductStore(HashEncoder().spec, has_full_text=False))
    await shop.put("a", title="mug")
    by_words_alone = {"weights": {"text": 0, "image": 0}}
    async with shop.client() as client:
        for request, total, degraded in [
            ({"text": "mug"}, 1, ["lexical"]),
            ({"text": "mug", "mode": "dense"}, 1, []),
            ({"text": "mug", "mode": "lexical"}, 0, ["lexical"]),
            ({"text": "mug", **by_words_alone}, 0, ["lexical"]),
            ({"text": "mug -mug", "mode": "dense"}, 1, ["lexical"]),
            ({"text": "mug without handle"}, 1, ["lexical"]),
            ({}, 1, []),
        ]:
            found = await ask(client, request)
            assert (found["total"], found["degraded"]) == (total, degraded), request
        assert (await ask(client, {"text": "mug"}))["cache"] == "hit"
        assert "lexical" in (await client.get("/readyz")).json()["degraded"]


TITLES = ["red mug", "blue mug", "green hoodie", "红色 杯", "mug mug mug"]
REQUESTS: Sequence[dict[str, Any]] = [
    {"text": "red mug", "mode": "dense"},
    {"text": "mug", "filters": {"price": {"lt": 3}}},
    {"text": "hoodie", "mode": "lexical"},
    {"filters": {"category": "A"}, "sort": "price"},
]
writes = st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(TITLES), st.integers(0, 5), st.sampled_from("AB"))
steps = st.lists(
    writes | st.sampled_from("abcdefgh") | st.integers(0, len(REQUESTS) - 1), min_size=2, max_size=25
)  # fmt: skip


@given(steps)
@settings(max_examples=60)
def test_cached_answers_equal_uncached_ones_whatever_is_written_in_between(trace: list[Any]) -> None:
    asyncio.run(_follow(trace, QueryConfig(), exact=True))


@given(steps)
@settings(max_examples=60)
def test_cut_candidate_sets_keep_the_best_in_the_right_order(trace: list[Any]) -> None:
    asyncio.run(_follow(trace, QueryConfig(candidates=4), exact=False))


async def _follow(trace: list[Any], config: QueryConfig, exact: bool) -> None:
    shop = Shop(config)
    async with shop.client() as client:
        for step in [*trace, *range(len(REQUESTS))]:
            if isinstance(step, tuple):
                await shop.put(step[0], title=step[1], price=float(step[2]), category=step[3])
            elif isinstance(step, str):
                await shop.delete(step)
            else:
                await _compare(client, REQUESTS[step], exact)
    shop.close()


async def _compare(client: httpx.AsyncClient, request: dict[str, Any], exact: bool) -> None:
    cached, fresh = await ask(client, request), await ask(client, request, cached=False)
    if exact:
        # BM25 scores of unchanged products may be those of the words' earlier frequencies, hence sets.
        assert _shown(cached) == _shown(fresh)
        assert cached["total"] == fresh["total"]
    if request.get("mode") == "dense":
        shown = 3 if not exact else 100
        scores, expected = ([hit["score"] for hit in answer["hits"]][:shown] for answer in (cached, fresh))
        assert scores == pytest.approx(expected, abs=1e-5)


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    return {hit["product_id"]: (hit["title"], hit["price"], hit["category"]) for hit in found["hits"]}


async def test_the_cache_does_not_hold_queries_or_users(client: httpx.AsyncClient, shop: Shop) -> None:
    await ask(client, {"text": "secretword", "user_id": "secretuser", "mode": "lexical"})
    kept = shop.candidates.entries
    assert kept and not any("secret" in key or b"secret" in value for key, (_, value) in kept.items())


async def test_a_picture_is_decoded_once_for_all_its_hits(client: httpx.AsyncClient) -> None:
    files = {"image": ("a.png", png("red"))}
    answers = [(await client.post("/v1/search", files=files)).json() for _ in range(2)]
    assert [answer["cache"] for answer in answers] == ["miss", "hit"]
