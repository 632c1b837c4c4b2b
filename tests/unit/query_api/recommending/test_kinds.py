"""Recommendations of every kind: what they are, what they may show, and reasons that are true."""

from __future__ import annotations

import time
from typing import Any, get_args

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.ports.profiles import Interaction, LearningChange
from query_api.contract.requests import ANCHORS, Kind
from query_api.personalisation.forgetting import forget_shopper
from tests.shop import MakeShop, Shop

NOW_MS = int(time.time() * 1000)
ANCHOR = {"product_id": "mug-red", "session_id": "s1", "category": "Home"}
COLOURS = ("red", "blue", "green", "black")
PRODUCTS = [f"{what}-{colour}" for what in ("hoodie", "mug") for colour in COLOURS]


async def recommended(client: httpx.AsyncClient, kind: str, user: str = "ann", **parameters: Any) -> dict[str, Any]:
    needed = {**ANCHORS, "continue": "session_id"}.get(kind)
    anchors = {needed: ANCHOR[needed]} if needed else {}
    response = await client.get(f"/v1/users/{user}/recommendations", params={"kind": kind} | anchors | parameters)
    assert response.status_code == 200, response.text
    return response.json()


def ids(found: dict[str, Any]) -> list[str]:
    return [hit["product_id"] for hit in found["hits"]]


async def did(shop: Shop, user: str, kind: str, product_id: str, at: int, session_id: str = "s1") -> None:
    done = [(user, Interaction(f"{user}-{at}", kind, product_id, NOW_MS + at, "shop", session_id))]
    await shop.profiles.record(done)
    await shop.behaviour.record(done)


async def test_each_kind_says_which_anchor_it_lacks(client: httpx.AsyncClient) -> None:
    for kind in get_args(Kind):
        response = await client.get("/v1/users/ann/recommendations", params={"kind": kind})
        if kind in ANCHORS:
            assert response.status_code == 422 and response.json()["errors"][0]["field"] == ANCHORS[kind]
        else:
            assert response.status_code == 200
    unknown = await client.get("/v1/users/ann/recommendations", params={"kind": "lucky"})
    assert unknown.status_code == 422 and unknown.json()["errors"][0]["field"] == "kind"
    for kind in ("together", "similar"):
        gone = await client.get("/v1/users/ann/recommendations", params={"kind": kind, "product_id": "never-was"})
        assert gone.status_code == 404


async def test_recently_viewed_is_newest_first_and_says_what_was_done(client: httpx.AsyncClient, shop: Shop) -> None:
    for at, (kind, product) in enumerate([("viewed", "mug-red"), ("purchased", "hoodie-red"), ("viewed", "mug-red")]):
        await did(shop, "ann", kind, product, at)
    found = await recommended(client, "recent")
    assert [(hit["product_id"], hit["reason"]) for hit in found["hits"]] == [
        ("mug-red", "you looked at it"),
        ("hoodie-red", "you bought it"),
    ]
    assert found["hits"][1]["because"] == {"did": "purchased", "product_id": "hoodie-red"}
    assert ids(await recommended(client, "recent", "bob")) == []


async def test_what_was_bought_on_more_visits_comes_before(client: httpx.AsyncClient, shop: Shop) -> None:
    for at, product in enumerate(["mug-red", "mug-blue", "mug-red", "hoodie-red"]):
        await did(shop, "ann", "purchased", product, at, f"s{at // 2}")
    await did(shop, "ann", "viewed", "mug-green", 9)
    found = await recommended(client, "again")
    assert ids(found)[0] == "mug-red" and set(ids(found)) == {"mug-red", "hoodie-red", "mug-blue"}
    assert found["hits"][0]["reason"] == "you bought it on 2 visits"


async def test_what_others_took_with_a_product_comes_with_it(client: httpx.AsyncClient, shop: Shop) -> None:
    for at, user in enumerate(("bob", "cid")):
        await did(shop, user, "purchased", "mug-red", at)
        await did(shop, user, "purchased", "hoodie-green", at)
    await did(shop, "dan", "viewed", "mug-red", 5)
    await did(shop, "dan", "viewed", "mug-blue", 6)
    found = await recommended(client, "together")
    assert ids(found) == ["hoodie-green", "mug-blue"]
    assert found["hits"][0]["reason"] == "chosen together with red mug"
    assert found["hits"][0]["because"] == {"did": "asked", "product_id": "mug-red"}


async def test_a_session_goes_on_as_those_of_others_did(client: httpx.AsyncClient, shop: Shop) -> None:
    for at, product in enumerate(("mug-red", "hoodie-green", "mug-blue")):
        await did(shop, "bob", "viewed", product, at)
    assert ids(await recommended(client, "continue")) == []
    await did(shop, "ann", "viewed", "mug-red", 5)
    found = await recommended(client, "continue")
    assert set(ids(found)) == {"hoodie-green", "mug-blue"}
    assert {hit["reason"] for hit in found["hits"]} == {"because you looked at red mug"}
    assert ids(await recommended(client, "continue", session_id="another")) == []
    going_on = await client.get("/v1/users/ann/recommendations", params={"kind": "continue"})
    assert ids(going_on.json()) == ids(found)


async def test_taste_leads_where_few_sessions_tell_what_goes_together(client: httpx.AsyncClient, shop: Shop) -> None:
    for user in ("bob", "cid"):
        for at, product in enumerate(("mug-red", "hoodie-green")):
            await did(shop, user, "viewed", product, at)
    for at, kind in enumerate(("viewed", "viewed", "carted")):
        await did(shop, "ann", kind, "mug-red", at)
    found = await recommended(client, "for_you")
    assert ids(found).index("hoodie-green") > max(
        ids(found).index(f"mug-{colour}") for colour in ("green", "blue", "black")
    )
    assert found["hits"][0]["reason"] == "because you put red mug in your basket"
    for n in range(60):
        for at, product in enumerate(("mug-red", "hoodie-green")):
            await did(shop, f"user-{n}", "viewed", product, at)
    assert ids(await recommended(client, "for_you"))[0] == "hoodie-green"


async def test_similar_is_near_the_product_and_trending_is_of_its_category(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    found = await recommended(client, "similar")
    assert len(found["hits"]) == 7 and "mug-red" not in ids(found)
    assert found["hits"][0]["reason"] == "like red mug"
    await shop.interact("bob", ["mug-green"])
    trending = await recommended(client, "trending")
    assert ids(trending)[0] == "mug-green" and all(product_id.startswith("mug") for product_id in ids(trending))
    assert trending["hits"][0]["reason"] == "popular in Home"


async def test_new_products_are_newest_first_less_what_is_known(client: httpx.AsyncClient, shop: Shop) -> None:
    for day in (1, 3, 2):
        await shop.put(f"new-{day}", title=f"new {day}", created_at=f"2026-02-0{day}T00:00:00Z")
    await did(shop, "ann", "viewed", "new-2", 0)
    found = ids(await recommended(client, "new"))
    # A mug does not say since when it is there.
    assert found[:2] == ["new-3", "new-1"] and not any(hit.startswith("mug") for hit in found)


@pytest.mark.parametrize("kind", get_args(Kind))
async def test_filters_hold_and_deleted_products_are_gone(client: httpx.AsyncClient, shop: Shop, kind: str) -> None:
    for at, product in enumerate(PRODUCTS):
        await did(shop, "bob", "purchased", product, at)
        await did(shop, "ann", "purchased", product, at, "s2")
    await did(shop, "ann", "viewed", "mug-red", 50)
    await shop.delete("mug-blue")
    found = await recommended(client, kind, filters='{"brand": ["Bolt"]}', k=100, facets="brand")
    assert all(hit["brand"] == "Bolt" for hit in found["hits"]) and "mug-blue" not in ids(found)
    assert found["total"] == len(found["hits"])
    explained = await recommended(client, kind, k=100, explain="true", group="true")
    assert all("explanation" in hit for hit in explained["hits"]) and len(ids(explained)) == explained["groups"]
    if kind not in ("for_you", "trending"):
        assert [hit["score"] for hit in explained["hits"]] == pytest.approx(
            [hit["score"] for hit in (await recommended(client, kind, k=100, group="true"))["hits"]]
        )
    pages = [await recommended(client, kind, filters='{"brand": ["Bolt"]}', k=1, offset=at) for at in range(3)]
    assert [product_id for page in pages for product_id in ids(page)] == ids(found)[:3]


@pytest.mark.parametrize("kind", ["for_you", "similar"])
async def test_hits_of_one_brand_or_category_are_no_more_than_asked(client: httpx.AsyncClient, kind: str) -> None:
    alone = await recommended(client, kind, max_per_brand=1, k=100)
    assert len(alone["hits"]) == len({hit["brand"] for hit in alone["hits"]}) == alone["total"]
    few = await recommended(client, kind, max_per_category=2, k=100)
    assert sorted(hit["category"] for hit in few["hits"]) == ["Home/Mugs"] * 2 + ["Men/Tops/Hoodies"] * 2
    varied = await recommended(client, kind, diversity=0.9, k=100)
    plain = await recommended(client, kind, k=100)
    assert sorted(ids(varied)) == sorted(ids(plain))
    categories = [hit["category"] for hit in varied["hits"]]
    assert categories[0] != categories[1] and ids(varied)[0] == ids(plain)[0]


async def test_nothing_is_learnt_or_told_of_someone_who_opted_out(client: httpx.AsyncClient, shop: Shop) -> None:
    await did(shop, "ann", "viewed", "mug-red", 0)
    stranger = await recommended(client, "for_you", "stranger")
    await shop.profiles.set_learning([("ann", LearningChange(False, NOW_MS + 1))])
    assert ids(await recommended(client, "for_you")) == ids(stranger)
    for kind in ("recent", "again", "continue"):
        assert ids(await recommended(client, kind)) == []


deeds = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["viewed", "clicked", "liked", "carted", "purchased"]),
        st.sampled_from(PRODUCTS),
        st.sampled_from(["s1", "s2"]),
    ),
    max_size=12,
)
SAID = {
    "viewed": ("looked at",),
    "clicked": ("looked at",),
    "liked": ("liked",),
    "carted": ("in your basket",),
    "purchased": ("bought",),
}


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(deeds=deeds)
async def test_a_reason_names_something_that_the_person_did(make_shop: MakeShop, deeds: list[Any]) -> None:
    shop = await shop_of_eight(make_shop)
    for at, (user, kind, product, session) in enumerate(deeds):
        await did(shop, user, kind, product, at, session)
    done = {(kind, product) for user, kind, product, _ in deeds if user == "ann"}
    async with shop.client() as client:
        for kind in get_args(Kind):
            for hit in (await recommended(client, kind, k=100))["hits"]:
                because = hit.get("because")
                if because is None:
                    assert hit.get("reason") in (None, "new here", "popular here", "popular in Home")
                elif because["did"] == "asked":
                    assert because["product_id"] == ANCHOR["product_id"]
                else:
                    assert (because["did"], because["product_id"]) in done
                    assert any(said in hit["reason"] for said in (*SAID[because["did"]], "chosen together with"))


async def shop_of_eight(make_shop: MakeShop) -> Shop:
    shop = make_shop()
    for product in PRODUCTS:
        what, colour = product.split("-")
        category, brand = ("Men/Tops/Hoodies", "Acme") if what == "hoodie" else ("Home/Mugs", "Bolt")
        await shop.put(product, title=f"{colour} {what}", category=category, brand=brand)
    return shop


async def test_forgetting_erases_what_recommendations_come_from(client: httpx.AsyncClient, shop: Shop) -> None:
    await did(shop, "ann", "purchased", "mug-red", 0)
    await forget_shopper("ann", shop.services.personal_data, None)
    for kind in ("recent", "again", "continue"):
        assert ids(await recommended(client, kind)) == []
