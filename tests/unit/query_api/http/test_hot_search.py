"""Finished answers past the routes: nobody can tell, but for the time."""

from __future__ import annotations

import json
import tracemalloc

import httpx
import pytest
from starlette.datastructures import QueryParams

from query_api.contract.request_reading import read_fields
from query_api.http.bodies import text_parameters
from query_api.http.hot_search import BYTES_PER_BYTE, BYTES_PER_REQUEST
from query_api.search.answers.kept_searches import KeptSearch
from query_api.search.searcher import Searcher
from tests.shop import Shop

PATH = "/v1/search?q=red+mug&facets=brand&k=2"


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The searches that were made."""
    made: list[str] = []
    rank = Searcher.rank

    async def noted(self: Searcher, request, *arguments, **named):  # type: ignore[no-untyped-def]
        made.append(request.text)
        return await rank(self, request, *arguments, **named)

    monkeypatch.setattr(Searcher, "rank", noted)
    return made


async def test_a_finished_answer_is_as_the_routes_give_it(client: httpx.AsyncClient, searches: list[str]) -> None:
    made, finished = [await client.get(PATH) for _ in range(2)]
    assert len(searches) == 1
    assert made.json()["cache"] == "miss" and finished.json()["cache"] == "hit"
    assert made.json()["hits"] == finished.json()["hits"] and made.json()["facets"] == finished.json()["facets"]
    dated = ("content-length",)
    own, routes = ({k: v for k, v in answer.headers.items() if k not in dated} for answer in (finished, made))
    assert own == routes
    assert int(finished.headers["content-length"]) == len(finished.content)


async def test_a_change_is_in_the_next_answer(client: httpx.AsyncClient, shop: Shop) -> None:
    for price in (1.0, 2.0, 3.0):
        await shop.put("mug-red", title="red mug", price=price)
        for _ in range(2):
            hits = (await client.get(PATH)).json()["hits"]
            assert {hit["product_id"]: hit["price"] for hit in hits}["mug-red"] == price


@pytest.mark.parametrize(("path", "status"), [("/v1/search?q=mug&k=0", 422), ("/v1/search?nonsense=1", 422)])
async def test_what_is_not_known_goes_on_to_the_routes(client: httpx.AsyncClient, path: str, status: int) -> None:
    await client.get(PATH)
    assert [(await client.get(path)).status_code for _ in range(2)] == [status] * 2


async def test_who_asks_for_no_cache_gets_a_search(client: httpx.AsyncClient, searches: list[str]) -> None:
    for _ in range(2):
        await client.get(PATH)
    found = await client.get(PATH, headers={"cache-control": "no-cache"})
    assert found.json()["cache"] == "bypass" and len(searches) == 2


async def test_requests_are_counted_as_ever(client: httpx.AsyncClient) -> None:
    name = "vitrine_http_requests_total"
    labels = 'method="GET",route="SearchRoutes.search_by_parameters",status="200"'

    async def count() -> float:
        lines = (await client.get("/metrics")).text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name}{{{labels}}}"))

    before = await count()
    for _ in range(3):
        await client.get(PATH)
    assert await count() == before + 3


@pytest.mark.parametrize(
    "query",
    [
        {"q": "mug"},
        {"q": "mug", "user_id": "ann", "facets": "brand,category"},
        {"q": "红" * 100},
        {"q": "mug", "filters": json.dumps({"brand": [*"abcdefghijklmnop"] * 24}, separators=(",", ":"))},
        {"q": "mug", "filters": json.dumps({"attributes": {f"{at}": "x" for at in range(140)}}, separators=(",", ":"))},
    ],
)
def test_a_request_takes_no_more_memory_than_is_counted_for_it(query: dict[str, str]) -> None:
    # Not escaped, as some clients send them: so they are shortest.
    texts = ["&".join(f"{name}={value}" for name, value in query.items()).encode()] * 100
    KeptSearch.of(read_fields(text_parameters(QueryParams(texts[0]))))
    tracemalloc.start()
    kept = [KeptSearch.of(read_fields(text_parameters(QueryParams(text)))) for text in texts]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == 100
    assert taken <= sum(BYTES_PER_BYTE * len(text) + BYTES_PER_REQUEST for text in texts)
