"""Filters, facets, sorting, grouping and paging are exact in any combination: as brute force answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query_api.config import QueryConfig
from query_api.wiring.components import open_searcher
from tests.exactness import check, draw_product, draw_request, fill
from tests.shop import MakeShop, Shop, png


# Depths that hold everything, and such as are less than what matches a look without a query.
@pytest.mark.parametrize("config", [QueryConfig(), QueryConfig(browse_candidates=4)], ids=["whole", "cut"])
@settings(max_examples=40)
@given(data=st.data())
def test_any_request_over_any_catalogue_is_answered_as_by_brute_force(config: QueryConfig, data: st.DataObject) -> None:
    def draw(options: Sequence[Any]) -> Any:
        return data.draw(st.sampled_from(options))

    products = {f"p{at:02d}": draw_product(draw) for at in range(draw((0, 1, 6, 12)))}
    requests = [draw_request(draw) for _ in range(3)]

    async def ask() -> None:
        shop = Shop(config)
        try:
            await fill(shop, products)
            async with open_searcher(shop.services) as searcher:
                for request in requests:
                    await check(shop, searcher, products, request)
        finally:
            shop.close()

    asyncio.run(ask())


async def test_facets_can_ignore_the_filter_on_their_own_field(make_shop: MakeShop) -> None:
    shop = make_shop()
    products = {"a": "Acme", "b": "Bolt", "c": "Bolt"}
    for name, brand in products.items():
        await shop.put(name, title="hoodie", brand=brand, price=1.0 + len(name), in_stock=brand == "Bolt")
    body = {"text": "hoodie", "filters": {"brand": "Acme"}, "facets": ["brand", "in_stock"], "multi_select": True}
    async with shop.client() as client:
        found = (await client.post("/v1/search", json=body)).json()
    assert [hit["product_id"] for hit in found["hits"]] == ["a"] and found["total"] == 1
    assert found["facets"]["brand"] == [{"count": 2, "value": "Bolt"}, {"count": 1, "value": "Acme"}]
    assert found["facets"]["in_stock"] == [{"count": 1, "value": False}]


async def test_ranges_are_counted_between_the_bounds_asked_for_empty_ones_too(make_shop: MakeShop) -> None:
    shop = make_shop()
    for at, price in enumerate((0.0, 9.99, 10.0, 49.0, 100.0)):
        await shop.put(f"p{at}", title="hoodie", price=price)
    async with shop.client() as client:
        body: dict[str, Any] = {"facets": ["price"], "facet_ranges": {"price": [0, 10, 20, 30, 100]}}
        found = (await client.post("/v1/search", json=body)).json()
        refused = await client.post("/v1/search", json={"facet_ranges": {"price": [10, 0]}})
    assert [(value["gte"], value["lt"], value["count"]) for value in found["facets"]["price"]] == [
        (0, 10, 2),
        (10, 20, 1),
        (20, 30, 0),
        (30, 100, 1),
    ]
    assert refused.status_code == 422 and "ascend" in refused.text


async def test_pages_of_a_cut_query_go_on_to_the_last_candidate_and_no_further(make_shop: MakeShop) -> None:
    shop = make_shop(QueryConfig(candidates=20, cache_ttl_s=0))
    for at in range(30):
        await shop.put(f"p{at:02d}", png("red"), title=f"hoodie number {at}", group_id=f"g{at % 8}")
    async with shop.client() as client:
        seen: list[str] = []
        while hits := (page := await _page(client, offset=len(seen)))["hits"]:
            seen += [hit["product_id"] for hit in hits]
        groups = (await _page(client, offset=0, group=True))["groups"]
    assert len(seen) == len(set(seen)) == page["total"] >= 20
    assert page["approximate"] and groups == 8


async def _page(client: httpx.AsyncClient, **request: Any) -> dict[str, Any]:
    return (await client.post("/v1/search", json={"text": "hoodie", "k": 7} | request)).json()
