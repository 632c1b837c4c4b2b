"""What a hit's explanation says of the words it matched."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from query_api.search.score_parts import MAX_SCORED_TERMS, REMAINING_TERMS
from tests.shop import MakeShop, Shop


async def explained(client: httpx.AsyncClient, **request: Any) -> dict[str, dict[str, Any]]:
    response = await client.post("/v1/search", json=request | {"explain": True})
    assert response.status_code == 200, response.text
    return {hit["product_id"]: hit["explanation"] for hit in response.json()["hits"]}


@pytest.fixture
async def clothes(make_shop: MakeShop) -> Shop:
    shop = make_shop()
    await shop.put("a", title="Red T-shirts", brand="Shirt House", attributes={"Colour": "red", "fit": "slim"})
    await shop.put("b", title="红色连衣裙", description="a red dress", tags=["party"])
    await shop.put("c", title="Kettle", category="Kitchen/Red things")
    return shop


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
async def test_the_terms_scores_sum_to_the_lexical_part(clothes: Shop, mode: str) -> None:
    async with clothes.client() as client:
        hits = await explained(client, text="red t-shirts red 红色连衣裙 kettle", mode=mode)
    assert set(hits) == {"a", "b", "c"}
    for hit in hits.values():
        assert sum(term["score"] for term in hit["terms"]) == pytest.approx(hit["lexical"], abs=1e-9)
        scores = [term["score"] for term in hit["terms"]]
        assert scores == sorted(scores, reverse=True) and min(scores) > 0


async def test_terms_are_written_as_in_the_query_and_say_where_they_are(clothes: Shop) -> None:
    async with clothes.client() as client:
        hits = await explained(client, text="RED t-shirt 连衣裙")
    where = {hit: {term["term"]: term["fields"] for term in hits[hit]["terms"]} for hit in hits}
    assert where["a"] == {
        "red": ["title", "attributes.Colour"],
        "t": ["title"],
        "shirt": ["title", "brand"],
        "t-shirt": ["title"],
        "red t-shirt": ["title"],
    }
    assert where["b"]["连衣裙"] == ["title"] and where["b"]["裙"] == ["title"] and where["b"]["red"] == ["description"]
    assert where["c"] == {"red": ["category"]}


async def test_without_words_there_are_no_terms(clothes: Shop) -> None:
    async with clothes.client() as client:
        for request in (
            {},
            {"text": "red", "mode": "dense"},
            {"product_id": "a"},
            {"text": "red", "weights": {"lexical": 0}},
        ):
            assert all(
                explanation["terms"] == [] and explanation["lexical"] == 0
                for explanation in (await explained(client, **request)).values()
            )
        assert await explained(client, text="zebra", mode="lexical") == {}


async def test_of_a_long_query_the_last_terms_are_scored_together(make_shop: MakeShop) -> None:
    words = [f"w{at}" for at in range(MAX_SCORED_TERMS + 5)]
    shop = make_shop()
    await shop.put("a", title=" ".join(words))
    async with shop.client() as client:
        (hit,) = (await explained(client, text=" ".join(words))).values()
    assert len(hit["terms"]) == MAX_SCORED_TERMS + 1
    assert hit["terms"][0]["term"] == REMAINING_TERMS and hit["terms"][0]["fields"] == ["title"]
    assert sum(term["score"] for term in hit["terms"]) == pytest.approx(hit["lexical"])


async def test_a_recommendation_is_explained_too(clothes: Shop) -> None:
    await clothes.interact("ann", ["a"])
    async with clothes.client() as client:
        found = (await client.get("/v1/users/ann/recommendations", params={"explain": "true"})).json()
    assert all(hit["explanation"]["terms"] == [] for hit in found["hits"]) and found["hits"]
