"""A ranker orders the best candidates anew, within its bound, and its part is told."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest

from encoders.spec import FloatArray
from indexer.errors import StoreUnavailable
from query_api.config import QueryConfig
from tests.shop import MakeShop, Shop, png

COLOURS = ("red", "blue", "green", "black", "white")


class Contrary:
    """Finds that product best which is farthest from the query."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def scores(self, query: FloatArray, products: FloatArray) -> FloatArray:
        self.asked.append(len(products))
        near = products @ query
        return ((near.max() - near) / (np.ptp(near) or 1.0)).astype(np.float32)


async def shop_of(make_shop: MakeShop, ranker: Any, **config: Any) -> Shop:
    shop = make_shop(QueryConfig(text_trust=False, **config), ranker=ranker)
    for colour in COLOURS:
        await shop.put(f"mug-{colour}", png(colour), title=f"{colour} mug")
    return shop


async def search(shop: Shop, **request: Any) -> dict[str, Any]:
    async with shop.client() as client:
        response: httpx.Response = await client.post("/v1/search", json={"text": "red mug"} | request)
    assert response.status_code == 200, response.text
    return response.json()


def ids(found: dict[str, Any]) -> list[str]:
    return [hit["product_id"] for hit in found["hits"]]


async def test_the_ranker_has_the_last_word_among_the_best(make_shop: MakeShop):
    before = ids(await search(await shop_of(make_shop, None)))
    shop = await shop_of(make_shop, Contrary(), ranker_weight=10.0)
    assert before[0] == "mug-red"
    assert ids(await search(shop))[-1] == "mug-red"


async def test_its_part_is_told_and_the_parts_sum_to_the_score(make_shop: MakeShop):
    shop = await shop_of(make_shop, Contrary())
    for hit in (await search(shop, explain=True))["hits"]:
        parts = hit["explanation"]
        total = sum(parts[name] for name in ("text", "image", "lexical", "personal", "ranker"))
        assert hit["score"] == pytest.approx(total)
    assert any(hit["explanation"]["ranker"] > 0 for hit in (await search(shop, explain=True))["hits"])


async def test_without_a_ranker_there_is_no_such_part(make_shop: MakeShop):
    found = await search(await shop_of(make_shop, None), explain=True)
    assert {hit["explanation"]["ranker"] for hit in found["hits"]} == {0.0}


async def test_only_so_many_are_scored_and_they_stay_before_the_rest(make_shop: MakeShop):
    ranker = Contrary()
    before = ids(await search(await shop_of(make_shop, None)))
    shop = await shop_of(make_shop, ranker, ranker_candidates=2, ranker_weight=10.0)
    after = ids(await search(shop))
    assert ranker.asked == [2]
    assert after == [before[1], before[0], *before[2:]]


async def test_a_hit_of_the_cache_is_reranked_as_well(make_shop: MakeShop):
    shop = await shop_of(make_shop, Contrary(), ranker_weight=10.0)
    first, second = await search(shop), await search(shop)
    assert (first["cache"], second["cache"]) == ("miss", "hit")
    assert ids(first) == ids(second)


@pytest.mark.parametrize("request_", [{"text": None}, {"mode": "lexical"}], ids=["browse", "lexical"])
async def test_without_a_query_vector_nothing_is_reranked(make_shop: MakeShop, request_: dict[str, Any]):
    ranker = Contrary()
    await search(await shop_of(make_shop, ranker), **request_)
    assert ranker.asked == []


async def test_a_store_that_does_not_answer_leaves_the_order_and_says_so(make_shop: MakeShop):
    shop = await shop_of(make_shop, Contrary(), ranker_weight=10.0)

    async def away(_: object) -> Any:
        raise StoreUnavailable("away")

    object.__setattr__(shop.services.store, "read", away)
    found = await search(shop)
    assert found["degraded"] == ["ranker"]
    assert ids(found)[0] == "mug-red"


async def test_why_not_answers_count_the_ranker_in(make_shop: MakeShop):
    shop = await shop_of(make_shop, Contrary(), ranker_weight=10.0)
    async with shop.client() as client:
        asked = {"query": {"text": "red mug", "k": 1}, "product_id": "mug-red"}
        found = (await client.post("/v1/explain", json=asked)).json()
    assert found["place"]["rank"] == len(COLOURS), found


@pytest.mark.parametrize("count", [0, 1_001])
def test_the_bound_is_bounded(count: int):
    with pytest.raises(ValueError, match=r"query\.ranker_candidates must be from 1 to 1000"):
        QueryConfig(ranker_candidates=count)
