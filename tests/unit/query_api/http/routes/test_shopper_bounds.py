"""For whom somebody may ask, and what they are shown."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from query_api.access.shopper_tokens import mint_shopper_token
from tests.access import NEW, SECRET, Doorkeeper, bearer
from tests.shop import Shop

SHOWN = {"mug-red", "mug-blue", "mug-green", "hoodie-red", "hoodie-blue", "hoodie-green"}
"""What is in stock."""


@pytest.fixture
def door() -> Doorkeeper:
    return Doorkeeper(token_secret=SECRET)


@pytest.fixture
def shop_options(door: Doorkeeper) -> dict[str, Any]:
    return {"gate": door.gate, "config": door.config}


def token(user: str = "ada", **filters: Any) -> dict[str, str]:
    return bearer(mint_shopper_token(NEW, user, filters=filters))


async def search(client: httpx.AsyncClient, headers: dict[str, str], **request: Any) -> dict[str, Any]:
    response = await client.post("/v1/search", json={"k": 100} | request, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


def ids(found: dict[str, Any]) -> set[str]:
    return {hit["product_id"] for hit in found["hits"]}


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"text": "mug hoodie black"},
        {"text": "black", "mode": "dense"},
        {"text": "black", "mode": "lexical"},
        {"product_id": "mug-black"},
        {"filters": {"in_stock": [True, False]}},
        {"filters": {"in_stock": False}},
        {"sort": "-price"},
        {"text": "mug", "group": True},
    ],
)
async def test_fixed_filters_hold_whatever_is_asked(client: httpx.AsyncClient, request_: dict[str, Any]) -> None:
    found = await search(client, token(in_stock=True), **request_)
    assert ids(found) <= SHOWN
    assert found["total"] <= len(SHOWN)


async def test_fixed_filters_and_the_requests_own_of_the_same_field_must_both_hold(client: httpx.AsyncClient) -> None:
    headers = token(price={"lt": 7}, **{"attributes.colour": ["red", "blue"]})
    assert ids(await search(client, headers)) == {"mug-red", "mug-blue"}
    assert ids(await search(client, headers, filters={"price": {"gte": 6}})) == {"mug-blue"}
    assert ids(await search(client, headers, filters={"price": {"lt": 100}})) == {"mug-red", "mug-blue"}
    assert ids(await search(client, headers, filters={"attributes.colour": ["blue", "black"]})) == {"mug-blue"}
    assert ids(await search(client, headers, filters={"attributes.colour": "black"})) == set()


async def test_facets_count_nothing_that_is_hidden(client: httpx.AsyncClient) -> None:
    for multi in (False, True):
        for query in ({}, {"text": "mug"}):
            asked = {"facets": ["in_stock", "attributes.colour"], "multi_select": multi}
            found = await search(client, token(in_stock=True), filters={"in_stock": True}, **asked, **query)
            assert [value["value"] for value in found["facets"]["in_stock"]] == [True]
            assert "black" not in [value["value"] for value in found["facets"]["attributes.colour"]]


async def test_cached_answers_are_apart(client: httpx.AsyncClient, door: Doorkeeper) -> None:
    key = bearer(await door.key(["search"]))
    whole = await search(client, key, text="mug")
    assert "mug-black" in ids(whole) and (await search(client, key, text="mug"))["cache"] == "hit"
    for headers in (token(in_stock=True), token(in_stock=True, price={"lt": 1_000}), token(price={"lt": 7})):
        assert (await search(client, headers, text="mug"))["cache"] == "miss"
        assert "mug-black" not in ids(await search(client, headers, text="mug"))
    assert "mug-black" in ids(await search(client, token(), text="mug"))
    assert "mug-black" in ids(await search(client, key, text="mug"))


async def test_products_and_their_likes_are_filtered(client: httpx.AsyncClient) -> None:
    headers = token(in_stock=True)
    assert (await client.get("/v1/products/mug-red", headers=headers)).status_code == 200
    hidden = await client.get("/v1/products/mug-black", headers=headers)
    assert hidden.status_code == 404
    assert hidden.json()["detail"] == "no product has the id mug-black"
    assert (await client.get("/v1/products/mug-black", headers=token())).status_code == 200
    similar = await client.get("/v1/products/mug-red/similar?k=100", headers=headers)
    assert ids(similar.json()) == SHOWN - {"mug-red"}
    assert (await client.get("/v1/products/mug-black/similar", headers=headers)).status_code == 404
    assert (await client.get("/v1/products/mug-black/similar", headers=token())).status_code == 200
    widened = {"filters": json.dumps({"in_stock": [True, False]})}
    wide = await client.get("/v1/products/mug-red/similar", params=widened, headers=headers)
    assert ids(wide.json()) <= SHOWN


async def test_recommendations_are_filtered_and_for_oneself_alone(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.interact("ada", ["mug-black", "mug-red"])
    for user in ("ada", "newcomer"):
        found = await client.get(f"/v1/users/{user}/recommendations?k=100", headers=token(user, in_stock=True))
        assert found.status_code == 200 and ids(found.json()) <= SHOWN
    assert (await client.get("/v1/users/ben/recommendations", headers=token("ada"))).status_code == 403


async def test_a_reason_names_no_product_that_the_token_hides(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.interact("ada", ["mug-black"], "purchased")
    for parameters in ({}, {"kind": "recent"}, {"kind": "continue", "session_id": "s"}, {"kind": "new"}):
        path = "/v1/users/ada/recommendations"
        shown = await client.get(path, params={"k": 100, **parameters}, headers=token("ada", in_stock=True))
        assert shown.status_code == 200 and "black" not in shown.text
    assert "because you bought black mug" in (await client.get(path, headers=token("ada"))).text
    for kind in ("similar", "together"):
        asked = {"kind": kind, "product_id": "mug-black"}
        hidden = await client.get(path, params=asked, headers=token("ada", in_stock=True))
        assert hidden.status_code == 404


async def test_a_shopper_is_whom_the_token_names_and_nobody_else(
    client: httpx.AsyncClient, shop: Shop, door: Doorkeeper
) -> None:
    await shop.interact("ada", ["mug-blue"] * 3)
    key = bearer(await door.key(["search"]))
    request = {"text": "mug", "weights": {"personal": 5}}
    personal = await search(client, key, user_id="ada", **request)
    assert [hit["product_id"] for hit in personal["hits"]] == [
        hit["product_id"] for hit in (await search(client, token("ada"), **request))["hits"]
    ]
    assert ids(await search(client, token("ada"), user_id="ada", **request))
    for method, path, options in (
        ("POST", "/v1/search", {"json": {"text": "mug", "user_id": "ben"}}),
        ("GET", "/v1/search?q=mug&user_id=ben", {}),
        ("GET", "/v1/products/mug-red/similar?user_id=ben", {}),
    ):
        response = await client.request(method, path, headers=token("ada"), **options)
        assert response.status_code == 403 and "another shopper" in response.json()["detail"]


async def test_a_public_key_asks_for_nobody(client: httpx.AsyncClient, door: Doorkeeper) -> None:
    key = bearer(await door.key(["search"], public=True))
    assert ids(await search(client, key, text="mug"))
    for method, path, options in (
        ("POST", "/v1/search", {"json": {"text": "mug", "user_id": "ada"}}),
        ("POST", "/v1/search", {"files": {"image": b"x"}, "data": {"user_id": "ada"}}),
        ("GET", "/v1/search?q=mug&user_id=ada", {}),
        ("GET", "/v1/products/mug-red/similar?user_id=ada", {}),
        ("GET", "/v1/users/ada/recommendations", {}),
    ):
        response = await client.request(method, path, headers=key, **options)
        assert response.status_code == 403 and "public key" in response.json()["detail"], (path, response.text)
    event = {"type": "user.clicked", "data": {"user_id": "ada", "product_id": "mug-red"}}
    assert (await client.post("/v1/events", json=event, headers=key)).status_code == 403


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        ("user.clicked", {"user_id": "ada", "product_id": "mug-red"}, 202),
        ("user.purchased", {"user_id": "ada", "product_id": "mug-red"}, 202),
        ("user.searched", {"user_id": "ada", "query": "mug"}, 202),
        ("user.clicked", {"user_id": "ben", "product_id": "mug-red"}, 403),
        ("user.searched", {"user_id": "ben", "query": "mug"}, 403),
        ("user.profiled", {"user_id": "ada", "traits": {"age": "30"}}, 403),
        ("user.profiled", {"user_id": "ben", "traits": {"age": "30"}}, 403),
        ("user.identified", {"user_id": "ada", "anonymous_id": "ben"}, 403),
    ],
)
async def test_a_shopper_tells_what_they_did_themselves(
    client: httpx.AsyncClient, shop: Shop, kind: str, data: dict[str, Any], status: int
) -> None:
    response = await client.post("/v1/events", json={"type": kind, "data": data}, headers=token("ada"))
    assert response.status_code == status, response.text
    assert len(shop.published.events) == (status == 202)


async def test_the_log_names_the_key_and_nobody(
    client: httpx.AsyncClient, door: Doorkeeper, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    key = await door.key(["search"])
    await search(client, bearer(key), text="mug", user_id="somebody-known")
    await search(client, token("somebody-known"), text="mug")
    await client.get("/v1/search?q=mug", headers=bearer(key[:-1]))
    await asyncio.sleep(0)  # Lines are written behind answers.
    answered = [record for record in caplog.records if record.getMessage() == "query_answered"]
    stored = (await door.store.all())[0]
    assert [record.key for record in answered] == [stored.id, "shopper:new"]  # type: ignore[attr-defined]
    logged = "\n".join(str(vars(record)) for record in caplog.records)
    assert key[:-1] not in logged and "somebody-known" not in logged and "eyJ" not in logged
