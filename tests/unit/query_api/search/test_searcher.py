"""Searching over HTTP, by everything that a request may hold."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from query_api.config import QueryConfig
from tests.shop import MakeShop, Shop, png


async def search(client: httpx.AsyncClient, **request: Any) -> dict[str, Any]:
    response = await client.post("/v1/search", json=request)
    assert response.status_code == 200, response.text
    return response.json()


def ids(found: dict[str, Any]) -> list[str]:
    return [hit["product_id"] for hit in found["hits"]]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
async def test_a_title_finds_its_product_first(client: httpx.AsyncClient, mode: str) -> None:
    for colour in ("red", "blue", "green", "black"):
        assert ids(await search(client, text=f"{colour} hoodie", mode=mode))[0] == f"hoodie-{colour}"


async def test_a_picture_finds_its_product_first_as_base64_and_as_a_file(client: httpx.AsyncClient) -> None:
    picture = png("blue")
    by_json = await search(client, image=base64.b64encode(picture).decode(), k=2)
    by_form = await client.post("/v1/search", files={"image": ("a.png", picture)}, data={"k": "2"})
    assert ids(by_json)[0] == "hoodie-blue"
    assert by_form.json()["hits"] == by_json["hits"]


async def test_pictures_of_a_form_count_among_its_parts(client: httpx.AsyncClient) -> None:
    parts = {"parts": json.dumps([{"text": "mug"}] * 12)}
    for count, status in ((5, 200), (6, 422)):
        files = [("image", (f"{number}.png", png("blue"))) for number in range(count)]
        assert (await client.post("/v1/search", files=files, data=parts)).status_code == status


async def test_text_and_picture_together_find_what_fits_both(client: httpx.AsyncClient) -> None:
    both = await search(client, text="mug", image=base64.b64encode(png("green", "white")).decode())
    assert ids(both)[0] == "mug-green"


async def test_a_product_finds_others_like_it_and_not_itself(client: httpx.AsyncClient) -> None:
    found = await search(client, product_id="hoodie-red")
    similar = (await client.get("/v1/products/hoodie-red/similar", params={"k": 10})).json()
    assert "hoodie-red" not in ids(found) + ids(similar)
    assert found["total"] == similar["total"] == 7
    assert set(ids(similar)[:4]) & {"hoodie-blue", "hoodie-green", "hoodie-black", "mug-red"}


async def test_parameters_and_body_ask_the_same(client: httpx.AsyncClient) -> None:
    by_get = await client.get("/v1/search", params={"q": "red  mug", "k": 3, "filters": '{"brand": "Bolt"}'})
    assert by_get.json()["hits"] == (await search(client, text="red mug", k=3, filters={"brand": "Bolt"}))["hits"]


async def test_no_query_is_a_look_at_everything_that_matches(client: httpx.AsyncClient) -> None:
    assert (await search(client))["total"] == 8
    found = await search(client, filters={"category": "Men", "price": {"lt": 45}, "in_stock": True})
    assert sorted(ids(found)) == ["hoodie-blue", "hoodie-green", "hoodie-red"]
    assert ids(await search(client, filters={"attributes.colour": ["red", "blue"], "category": "Home"})) == [
        "mug-blue",
        "mug-red",
    ]


async def test_a_blank_text_is_no_query(client: httpx.AsyncClient) -> None:
    assert (await search(client, text=" \u200b\n ", mode="lexical"))["total"] == 8


async def test_pages_follow_each_other_without_gap_or_overlap(client: httpx.AsyncClient) -> None:
    whole = ids(await search(client, text="red mug", k=8))
    pages = [ids(await search(client, text="red mug", k=3, offset=offset)) for offset in (0, 3, 6, 9)]
    assert [hit for page in pages for hit in page] == whole


async def test_the_parts_of_an_explanation_sum_to_the_score(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.interact("ann", ["mug-red"] * 3)
    plain = await search(client, text="red mug", user_id="ann")
    for mode in ("hybrid", "dense", "lexical"):
        for hit in (await search(client, text="red mug", user_id="ann", explain=True, mode=mode))["hits"]:
            why = hit["explanation"]
            assert why["text"] + why["image"] + why["lexical"] + why["personal"] == hit["score"]
    explained = await search(client, text="red mug", user_id="ann", explain=True)
    assert [hit["score"] for hit in explained["hits"]] == pytest.approx([hit["score"] for hit in plain["hits"]])
    parts = explained["hits"][0]["explanation"]
    assert all(parts[name] > 0 for name in ("text", "image", "lexical", "personal"))


async def test_weights_of_the_request_scale_the_parts(client: httpx.AsyncClient) -> None:
    weights = {"text": 0.4, "image": 0.0, "lexical": 2.0}
    once = await search(client, text="red mug", explain=True, k=1, weights=weights)
    twice = await search(client, text="red mug", explain=True, k=1, weights=weights | {"text": 0.8})
    first, second = once["hits"][0]["explanation"], twice["hits"][0]["explanation"]
    assert first["image"] == 0 and first["lexical"] == 2.0
    assert second["text"] == pytest.approx(2 * first["text"])


async def test_groups_show_only_their_best(client: httpx.AsyncClient) -> None:
    found = await search(client, text="green mug", group=True)
    assert [product_id for product_id in ids(found) if product_id.startswith("mug")] == ["mug-green"]
    assert len(ids(found)) == 5 and found["total"] == 8


async def test_sorting_orders_candidates_and_puts_unknown_last(client: httpx.AsyncClient) -> None:
    cheap = await search(client, text="hoodie", sort="price")
    dear = await search(client, text="hoodie", sort="-price")
    prices = [hit["price"] for hit in cheap["hits"]]
    assert prices == sorted(prices) and ids(dear)[0] == "hoodie-black"
    newest = ids(await search(client, sort="newest"))
    assert newest[:4] == ["hoodie-black", "hoodie-green", "hoodie-blue", "hoodie-red"]


async def test_facets_count_what_matches(client: httpx.AsyncClient) -> None:
    fields = ["brand", "category", "price", "in_stock", "attributes.colour", "tags"]
    facets = (await search(client, text="mug", facets=fields, filters={"category": "Home"}))["facets"]
    assert facets["brand"] == [{"count": 2, "value": "Acme"}, {"count": 2, "value": "Bolt"}]
    assert facets["category"] == [{"count": 4, "value": "Home"}, {"count": 4, "value": "Home/Mugs"}]
    assert {value["value"]: value["count"] for value in facets["in_stock"]} == {True: 3, False: 1}
    assert sum(value["count"] for value in facets["price"]) == 4 and facets["tags"] == []
    for value in facets["price"]:
        bounds = {"price": {"gte": value["gte"], "lt": value["lt"]}, "category": "Home"}
        assert (await search(client, filters=bounds))["total"] == value["count"]


async def test_a_cut_total_says_that_it_is_approximate(make_shop: MakeShop) -> None:
    shop = make_shop(QueryConfig(candidates=3))
    for at in range(5):
        await shop.put(f"p{at}", title=f"mug {at}")
    async with shop.client() as client:
        assert (await search(client, text="mug"))["approximate"] is True
        assert "approximate" not in await search(client, text="mug", filters={"price": 1})


async def test_only_lexical_finds_get_their_exact_dense_score(make_shop: MakeShop) -> None:
    shop = make_shop(QueryConfig(candidates=2))
    await shop.put("far", title="zebra " + " ".join(f"word{at}" for at in range(60)))
    for at in range(4):
        await shop.put(f"near{at}", png("red"), title="red")
    async with shop.client() as client:
        found = await search(client, text="zebra", explain=True, image=base64.b64encode(png("red")).decode())
        by_id = {hit["product_id"]: hit["explanation"] for hit in found["hits"]}
        assert by_id["far"]["lexical"] == QueryConfig().lexical and by_id["far"]["text"] > 0


async def test_chinese_finds_chinese(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("dress", title="红色连衣裙")
    await shop.put("cup", title="蓝色陶瓷杯")
    async with shop.client() as client:
        assert ids(await search(client, text="连衣裙", mode="lexical")) == ["dress"]


async def test_incomplete_products_are_found_only_by_their_id(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.put("bare", price=3.0)
    assert "bare" not in ids(await search(client, k=100))
    bare = (await client.get("/v1/products/bare")).json()
    assert bare["searchable"] is False and bare["price"] == 3.0


async def test_answers_carry_what_the_contract_names(client: httpx.AsyncClient) -> None:
    found = await search(client, text="mug", k=1)
    expected = {"query_id", "hits", "total", "took_ms", "cache", "degraded", "generation", "index_age_ms"}
    assert set(found) == expected
    assert {"product_id", "score", "title", "price", "currency", "brand", "category", "image_url"} <= set(
        found["hits"][0]
    )
    assert found["query_id"] != (await search(client, text="mug", k=1))["query_id"]
