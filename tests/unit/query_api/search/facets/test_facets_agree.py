"""What facets count is what filters find: one folding of spellings, the most frequent one shown."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query_api.config import QueryConfig
from tests.shop import MakeShop, Shop

FIELDS = ["attributes.shade", "brand", "category", "tags", "lang", "currency"]
SHADES = ["Red", "red ", "RED", " rEd", "Ｒｅｄ", "Blue", "blue", "Straße", "STRASSE", "Café", "café", "a  b", "A b"]
CATEGORIES = ["Men/Tops", "men / tops", "MEN/Tops/Tanks", "Men", "Women/Tops"]
NAMES = ["shade", "Shade", "SHADE "]


def product(shade: str | list[str], name: str = "shade", **fields: Any) -> dict[str, Any]:
    return {"title": "hoodie", "attributes": {name: shade}} | fields


async def facets_of(client: httpx.AsyncClient, **query: Any) -> dict[str, list[dict[str, Any]]]:
    return (await client.post("/v1/search", json={"facets": FIELDS, **query})).json()["facets"]


async def assert_agreement(client: httpx.AsyncClient, **query: Any) -> None:
    for field, values in (await facets_of(client, **query)).items():
        for value in values:
            body = {**query, "filters": {**query.get("filters", {}), field: value["value"]}}
            found = (await client.post("/v1/search", json=body)).json()
            assert found["total"] == value["count"], (field, value)


async def test_spellings_that_a_filter_takes_for_one_are_counted_as_one_and_shown_as_most_write_it(
    make_shop: MakeShop,
) -> None:
    shop = make_shop()
    for at, shade in enumerate(["Red", "red ", "RED", "Blue", "blue", "blue", ["Red", "RED"]]):
        await shop.put(f"p{at}", **product(shade, brand=str(shade).strip("[' ]").split("'")[0], tags=["New", "new"]))
    await shop.put("p9", **product("GREEN", "Shade"))
    async with shop.client() as client:
        facets = await facets_of(client)
        await assert_agreement(client)
        await assert_agreement(client, text="hoodie")
    assert facets["attributes.shade"] == [
        {"count": 4, "value": "Red"},
        {"count": 3, "value": "blue"},
        {"count": 1, "value": "GREEN"},
    ]
    assert facets["tags"] == [{"count": 7, "value": "New"}]


async def test_levels_of_categories_fold_as_their_filter_does(make_shop: MakeShop) -> None:
    shop = make_shop()
    for at, category in enumerate(CATEGORIES):
        await shop.put(f"p{at}", title="hoodie", category=category)
    await shop.put("p9", title="hoodie", category="Men/Tops", categories=["Men/Tops", "men/Tops", "MEN/TOPS"])
    async with shop.client() as client:
        facets = await facets_of(client, text="hoodie")
        await assert_agreement(client, text="hoodie")
    assert {value["value"]: value["count"] for value in facets["category"]} == {
        "Men": 5,
        "Men/Tops": 4,
        "MEN/Tops/Tanks": 1,
        "Women": 1,
        "Women/Tops": 1,
    }


products = st.lists(
    st.fixed_dictionaries(
        {"title": st.sampled_from(["hoodie", "red hoodie"]), "price": st.sampled_from([1.0, 9.0])},
        optional={
            "attributes": st.dictionaries(
                st.sampled_from(NAMES), st.sampled_from(SHADES) | st.lists(st.sampled_from(SHADES), max_size=3)
            ),
            "brand": st.sampled_from([*SHADES, ""]),
            "category": st.sampled_from(CATEGORIES),
            "tags": st.lists(st.sampled_from(SHADES), max_size=3),
            "lang": st.sampled_from(["en", "EN"]),
        },
    ),
    max_size=5,
)


@settings(max_examples=8)
@given(products)
async def test_for_every_value_shown_its_count_is_the_total_under_its_filter(catalogue: list[dict[str, Any]]) -> None:
    shop = Shop(QueryConfig())
    try:
        for at, fields in enumerate(catalogue):
            await shop.put(f"p{at}", **fields)
        async with shop.client() as client:
            await assert_agreement(client)
            await assert_agreement(client, text="hoodie", filters={"price": {"lt": 5}})
    finally:
        shop.close()


@pytest.mark.parametrize(("sort", "first"), [("price", "p00"), ("-price", "p59"), ("newest", "p59")])
@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
async def test_a_sort_orders_all_that_match_a_query_not_just_the_best(
    make_shop: MakeShop, mode: str, sort: str, first: str
) -> None:
    shop = make_shop(QueryConfig(candidates=5))
    for at in range(60):
        # The cheapest and the dearest say least of hoodies.
        title = "hoodie" if 20 < at < 40 else "hoodie with a zip and two pockets"
        created_at = f"2026-01-01T00:00:{at:02d}Z"
        await shop.put(f"p{at:02d}", title=title, price=1.0 + at, created_at=created_at)
    await shop.put("lamp", title="free lamp", price=0.0, created_at="2026-02-01T00:00:00Z")
    async with shop.client() as client:
        for _ in range(2):
            body = {"text": "hoodie", "sort": sort, "mode": mode, "k": 100}
            found = (await client.post("/v1/search", json=body)).json()
            hits = [hit["product_id"] for hit in found["hits"]]
            assert hits[0] == first and sorted(hits) == [f"p{at:02d}" for at in range(60)]
            assert found["total"] == 60 and "approximate" not in found


async def test_a_sort_says_so_where_more_match_than_it_looks_at(make_shop: MakeShop) -> None:
    shop = make_shop(QueryConfig(candidates=5, browse_candidates=10))
    for at in range(30):
        await shop.put(f"p{at:02d}", title="hoodie", price=1.0 + at)
    async with shop.client() as client:
        body = {"text": "hoodie", "sort": "price", "mode": "lexical"}
        assert (await client.post("/v1/search", json=body)).json()["approximate"] is True
