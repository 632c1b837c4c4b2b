"""Personal order: from what a shopper did, in their next search, and in nobody else's."""

from __future__ import annotations

import time
from functools import reduce
from operator import add
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.hit_payload import HitPayload
from indexer.ports.profiles import Interaction
from query_api.cards.payload_values import attribute_values, category_paths
from query_api.personalisation.taste import (
    ATTRIBUTE_SHARE,
    BRAND_SHARE,
    CATEGORY_SHARE,
    Taste,
    interaction_weights,
    learn_taste,
    taste_affinities,
)
from tests.shop import MakeShop, Shop, png
from tests.unit.query_api.cards.test_card import card_columns, payloads

HOODIE = HitPayload(category="Men/Tops/Hoodies", brand="Acme", attributes={"colour": "red"})
MUG = HitPayload(category="Home/Mugs", brand="Bolt", attributes={"colour": ["blue", "white"]})


def clicks(product_id: str, count: int, kind: str = "clicked", time_ms: int = 0) -> list[Interaction]:
    return [Interaction(f"{product_id}{kind}{at}", kind, product_id, time_ms) for at in range(count)]


async def ids(client: httpx.AsyncClient, **request: Any) -> list[str]:
    found = (await client.post("/v1/search", json={"k": 100} | request)).json()
    return [hit["product_id"] for hit in found["hits"]]


async def test_ten_clicks_on_a_category_move_it_up_for_that_person_alone(client: httpx.AsyncClient, shop: Shop) -> None:
    before = await ids(client, text="red", user_id="ann")
    assert before[:2] == ["hoodie-red", "mug-red"] or before[:2] == ["mug-red", "hoodie-red"]
    others = [one for one in before if one.startswith("mug")]
    await shop.interact("ann", ["mug-blue", "mug-green", "mug-black"] * 3 + ["mug-blue"])
    after = await ids(client, text="red", user_id="ann")
    assert after[0] == "mug-red"
    assert sum(map(after.index, others)) < sum(map(before.index, others))
    assert await ids(client, text="red", user_id="bob") == await ids(client, text="red") == before


async def test_a_hit_of_the_cache_is_as_personal_as_a_search(client: httpx.AsyncClient, shop: Shop) -> None:
    await ids(client)
    await shop.interact("ann", ["mug-blue"])
    response = (await client.post("/v1/search", json={"user_id": "ann"})).json()
    assert response["cache"] == "hit" and response["hits"][0]["product_id"] == "mug-blue"


async def test_new_clicks_show_after_a_long_history_of_others(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.profiles.record([("ann", click) for click in clicks("hoodie-red", 200, "viewed", 1)])
    await shop.interact("ann", ["mug-blue"] * 10)
    assert (await ids(client, user_id="ann"))[0].startswith("mug")


async def test_no_personal_weight_is_no_personal_order(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.interact("ann", ["mug-blue"] * 5)
    assert await ids(client, user_id="ann", weights={"personal": 0}) == await ids(client)


async def test_recommendations_are_near_what_was_liked_and_new(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.interact("ann", ["hoodie-red", "hoodie-blue"])
    found = (await client.get("/v1/users/ann/recommendations", params={"k": 8, "facets": "brand"})).json()
    order = [hit["product_id"] for hit in found["hits"]]
    assert set(order[-2:]) == {"hoodie-red", "hoodie-blue"}
    assert order.index("hoodie-green") < order.index("mug-green")
    assert found["facets"]["brand"]


async def test_an_unknown_person_gets_what_is_popular_then_well_rated(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.put("loved", png("red"), title="loved", rating=4.9)
    await shop.interact("bob", ["mug-green"], "purchased")
    found = (await client.get("/v1/users/a%2Fb%20c/recommendations")).json()
    assert [hit["product_id"] for hit in found["hits"][:2]] == ["mug-green", "loved"]
    filtered = (await client.get("/v1/users/x/recommendations", params={"filters": '{"category": "Men"}'})).json()
    assert filtered["total"] == 4


async def test_recommendations_do_without_products_that_are_gone(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.interact("ann", ["mug-red", "never-was"])
    await shop.delete("mug-red")
    found = (await client.get("/v1/users/ann/recommendations")).json()
    assert found["total"] == 7


async def test_forgetting_a_person_makes_them_a_stranger(client: httpx.AsyncClient, shop: Shop) -> None:
    before = await ids(client, user_id="ann")
    await shop.interact("ann", ["mug-red"] * 5)
    assert await ids(client, user_id="ann") != before
    assert (await client.delete("/v1/users/ann")).status_code == 204
    assert await ids(client, user_id="ann") == before
    assert (await client.delete("/v1/users/never-seen")).status_code == 204


async def test_a_click_on_the_page_is_published_and_counts_at_once(client: httpx.AsyncClient, shop: Shop) -> None:
    event = {"type": "user.clicked", "data": {"user_id": "ann", "product_id": "mug-blue", "position": 3}}
    response = await client.post("/v1/events", json=event)
    assert response.status_code == 202
    topic, published = shop.published.events[0]
    assert topic == "shop.user-events" and published.id == response.json()["id"]
    assert (await ids(client, user_id="ann"))[0] == "mug-blue"


@pytest.mark.parametrize(
    "body",
    [
        {"type": "product.deleted", "data": {"product_id": "mug-blue"}},
        {"type": "user.clicked", "data": {"user_id": "ann"}},
        {"type": "user.clicked", "data": {"user_id": "ann", "product_id": "a b"}},
        {"type": "user.clicked", "data": 5},
        {"type": "user.clicked"},
        {"type": "user.clicked", "data": {"user_id": "a", "product_id": "b"}, "source": "forged"},
        [],
    ],
)
async def test_other_events_are_refused(client: httpx.AsyncClient, shop: Shop, body: Any) -> None:
    response = await client.post("/v1/events", json=body)
    assert response.status_code == 422 and response.json()["detail"]
    assert not shop.published.events


async def test_events_of_other_sites_forms_are_refused(client: httpx.AsyncClient) -> None:
    event = '{"type": "user.clicked", "data": {"user_id": "ann", "product_id": "mug-blue"}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = await client.post("/v1/events", content=event, headers={"content-type": kind})
        assert response.status_code == 415


async def test_without_a_publisher_no_events_are_taken(make_shop: MakeShop) -> None:
    async with make_shop(publisher=None).client() as client:
        response = await client.post("/v1/events", json={"type": "user.clicked", "data": {}})
        assert response.status_code == 422


def test_stronger_and_later_interactions_weigh_more() -> None:
    now = int(time.time() * 1000)
    kinds = ["viewed", "clicked", "liked", "carted", "purchased"]
    weights = [interaction_weights(clicks("a", 1, kind, now), now)["a"] for kind in kinds]
    assert weights == sorted(weights) and len(set(weights)) == 5
    month_ago = now - 30 * 86_400_000
    assert interaction_weights(clicks("a", 1, time_ms=month_ago), now)["a"] < weights[1] / 2
    assert interaction_weights(clicks("a", 1, "unknown", now), now) == {"a": 0.0}


def test_a_taste_is_for_categories_brands_and_attributes() -> None:
    taste = learn_taste({"h": 20.0, "gone": 50.0}, {"h": HOODIE})
    assert affinity(taste, HOODIE) > 0.8
    hoodies, shoes = HitPayload(category="Men/Tops/Hoodies"), HitPayload(category="Men/Shoes")
    assert affinity(taste, hoodies) > affinity(taste, shoes) > 0
    assert affinity(taste, HitPayload(brand="Acme")) > 0
    assert affinity(taste, HitPayload(attributes={"colour": "red"})) > 0
    assert affinity(taste, MUG) == 0 and affinity(taste, HitPayload()) == 0
    assert learn_taste({"gone": 5.0}, {}) == Taste()


names = st.sampled_from(["a", "b", "c"])


@given(st.dictionaries(names, st.floats(0, 1e6)), st.dictionaries(names, payloads), st.lists(payloads))
def test_affinities_are_those_of_each_product_alone_and_lie_between_zero_and_one(
    weights: dict[str, float], known: dict[str, HitPayload], shown: list[HitPayload]
) -> None:
    taste = learn_taste(weights, known)
    affinities = taste_affinities(taste, card_columns(shown).tastes).tolist()
    assert affinities == [affinity_as_defined(taste, payload) for payload in shown]
    assert all(0 <= product_id <= 1 + 1e-9 for product_id in affinities)


def affinity(taste: Taste, payload: HitPayload) -> float:
    return float(taste_affinities(taste, card_columns([payload]).tastes)[0])


def affinity_as_defined(taste: Taste, payload: HitPayload) -> float:
    """Of one product, value by value."""
    paths = category_paths(payload.category)
    by_depth = [taste.categories.get(path, 0.0) * depth for depth, path in enumerate(paths, 1)]
    fit = CATEGORY_SHARE * (in_order(by_depth) / sum(range(1, len(paths) + 1)) if paths else 0.0)
    liked = [taste.attributes.get(pair, 0.0) for pair in attribute_values(payload)]
    fit += ATTRIBUTE_SHARE * (in_order(liked) / len(liked) if liked else 0.0)
    return taste.confidence * (fit + BRAND_SHARE * taste.brands.get(payload.brand or "", 0.0))


def in_order(values: list[float]) -> float:
    """Their sum, rounded at each step: `sum` corrects for that from Python 3.12 on."""
    return reduce(add, values, 0.0)
