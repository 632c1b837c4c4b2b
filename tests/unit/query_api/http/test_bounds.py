"""Values that are too long, too many or in another encoding: refused before they cost anything, and never a 500."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from query_api.contract import request_reading
from tests.shop import MakeShop, Shop
from tests.unit.query_api.http.raw_http import serve

LIGATURE = "\ufdfa"
"""One character, which is 18 when it is normalised."""


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"filters": {"attributes." + LIGATURE * 100_000: ["x"] * 100}}, "filters"),
        ({"filters": {"attributes." + LIGATURE * 290: "x"}}, "filters"),
        ({"filters": {"brand": LIGATURE * 600}}, "filters.brand"),
        ({"filters": {f"attributes.{at}": [LIGATURE * 500] * 10 for at in range(10)}}, "filters"),
        ({"filters": {f"attributes.{LIGATURE * 240}{at}": ["x"] * 50 for at in range(32)}}, "filters"),
        ({"facets": ["attributes.colour\n"]}, "facets[0]"),
        ({"facet_ranges": {"price\n": [0, 1]}}, "facet_ranges"),
        ({"text": LIGATURE * 999}, "text"),
        ({"parts": [{"text": "word " * 190}] * 8}, "parts"),
        ({"filters": {"x" * 5_000: 1}}, "filters"),
        ({"x" * 100_000: 1}, "x" * 100),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_strings_are_bounded_before_they_are_normalised(
    client: httpx.AsyncClient, request_: dict[str, Any], field: str
) -> None:
    response = await client.post("/v1/search", json=request_)
    problem = response.json()
    assert response.status_code == 422 and problem["errors"][0]["field"] == field
    assert len(response.content) < 2_000


@pytest.mark.parametrize("depth", [2, 100, 900, 950, 1_000, 5_000])
@pytest.mark.parametrize("around", [("[", "]"), ('{"lt":', "}")])
async def test_nested_filters_are_refused_at_any_depth(
    client: httpx.AsyncClient, depth: int, around: tuple[str, str]
) -> None:
    value = around[0] * depth + "1" + around[1] * depth
    for field in ("brand", "price", "in_stock"):
        body = f'{{"filters": {{"{field}": {value}}}}}'
        response = await client.post("/v1/search", content=body, headers={"content-type": "application/json"})
        assert response.status_code in (400, 422) and len(response.content) < 2_000
        if depth <= 1_000:
            response = await client.get("/v1/search", params={"filters": f'{{"{field}": {value}}}'})
            assert response.status_code == 422


async def test_a_body_of_very_many_values_is_not_decoded(client: httpx.AsyncClient) -> None:
    body = b'{"filters": {"brand": [' + b"0," * request_reading.MAX_JSON_VALUES + b"0]}}"
    response = await client.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400 and "values" in response.json()["detail"]


@pytest.mark.parametrize(
    "charset", ["punycode", "utf-16", "utf-7", "idna", "zlib", "rot13", "unicode_escape", "x", "\x00"]
)
async def test_texts_come_in_utf8_or_not_at_all(client: httpx.AsyncClient, charset: str) -> None:
    body = b'--b\r\ncontent-disposition: form-data; name="q"\r\n\r\nmug\r\n--b--\r\n'
    for kind in ("multipart/form-data; boundary=b", "application/json"):
        for written in (f"charset={charset}", f'Charset="{charset}"', f"charset*=utf-8''{charset}"):
            headers = {"content-type": f"{kind}; {written}"}
            response = await client.post("/v1/search", content=body, headers=headers)
            assert response.status_code in (400, 415), written
    for charset in ("utf-8", "UTF-8", '"utf-8"', "us-ascii"):
        headers = {"content-type": f"multipart/form-data; boundary=b; charset={charset}"}
        assert (await client.post("/v1/search", content=body, headers=headers)).status_code == 200


EVENTS = {
    "type no utf-8": b'{"type": "user.\xff", "data": {}}',
    "id no utf-8": b'{"type": "user.clicked", "id": "\xff", "data": {"user_id": "a", "product_id": "b"}}',
    "user no utf-8": b'{"type": "user.clicked", "data": {"user_id": "\xff", "product_id": "b"}}',
    "name no utf-8": b'{"\xff": 1}',
    "lone surrogate": b'{"type": "\\udfff", "data": {}}',
    "lone surrogate in the data": b'{"type": "user.clicked", "data": {"user_id": "\\ud800", "product_id": "b"}}',
    "trailing newline": b'{"type": "user.clicked", "data": {"user_id": "a", "product_id": "b\\n"}}',
    "long type": b'{"type": "' + b"x" * 100_000 + b'", "data": {}}',
    "long name": b'{"type": "user.clicked", "data": {"' + b"x" * 100_000 + b'": 1}}',
    "deep": b'{"type": "user.clicked", "data": ' + b"[" * 950 + b"]" * 950 + b"}",
    "data in a string no utf-8": b'{"type": "user.clicked", "data": "{\xff}"}',
    "data in a string, lone surrogate": b'{"type": "user.clicked", "data": "\\ud800"}',
    "null data": b'{"type": "user.clicked", "data": null}',
    "too large": b'{"type": "user.clicked", "data": "' + b"x" * 600_000 + b'"}',
}


@pytest.mark.parametrize("body", EVENTS.values(), ids=EVENTS.keys())
async def test_a_bad_event_is_a_problem_and_not_published(client: httpx.AsyncClient, shop: Shop, body: bytes) -> None:
    response = await client.post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 413, 422) and len(response.content) < 3_000
    assert response.headers["content-type"] == "application/problem+json" and not shop.published.events


async def test_bytes_of_paths_and_parameters_are_never_an_error_of_ours(client: httpx.AsyncClient) -> None:
    for path in ("/v1/products/%ED%A0%80", "/v1/products/%ff/similar", "/media/%00", "/v1/users/%ff/recommendations"):
        assert (await client.get(path)).status_code in (200, 404, 422), path
    for query in (
        "q=%ED%A0%80",
        "q=%ff",
        "user_id=%ED%A0%80",
        "%ff=1",
        "facets=%ff",
        "filters=%ff",
        "filters=%22%ff%22",
    ):
        assert (await client.get(f"/v1/search?{query}")).status_code in (200, 422), query


async def test_a_client_that_goes_in_the_middle_of_its_body_leaves_no_trace(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    form = "multipart/form-data; boundary=b"
    async with serve(shop.app) as served:
        for kind in ("application/json", form):
            for path in ("/v1/search", "/v1/events", "/v1/explain"):
                async with await served.connect() as raw:
                    head = f"POST {path} HTTP/1.1\r\nhost: s\r\ncontent-type: {kind}\r\ncontent-length: 200000\r\n\r\n"
                    await raw.send(head.encode() + b"--b\r\n" + b"x" * 100_000)
        async with asyncio.timeout(5):
            while served.server.server_state.tasks or served.server.server_state.connections:
                await asyncio.sleep(0.01)
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_users_id_is_what_the_path_encodes(client: httpx.AsyncClient, shop: Shop) -> None:
    refused = await client.delete("/v1/users/x/recommendations")
    assert refused.status_code == 405 and refused.headers["allow"] == "GET, HEAD" and not shop.published.events
    assert (await client.delete("/v1/users/x/y")).status_code == 404 and not shop.published.events
    for path, user_id in (
        ("x%2Frecommendations", "x/recommendations"),
        ("a%252Fb", "a%2Fb"),
        ("%25", "%"),
        ("a%20b", "a b"),
        ("%E2%82%AC", "€"),
        ("..%2F..", "../.."),
    ):
        assert (await client.delete(f"/v1/users/{path}")).status_code == 204
        assert shop.published.events[-1][1].data.user_id == user_id  # type: ignore[union-attr]


async def test_a_refused_method_is_told_all_that_are_taken(client: httpx.AsyncClient) -> None:
    for path, allowed in (
        ("/v1/search", "GET, HEAD, POST"),
        ("/v1/events", "POST"),
        ("/v1/users/x", "DELETE"),
        ("/healthz", "GET, HEAD"),
    ):
        response = await client.put(path)
        assert response.status_code == 405 and response.headers["allow"] == allowed


async def test_an_error_text_cannot_be_as_long_as_what_it_is_about(make_shop: MakeShop) -> None:
    async with make_shop().client() as client:
        for body in ({"mode": "m" * 10**6}, {"product_id": "p" * 10**6}, {"filters": {"brand": {"b" * 10**6: 1}}}):
            response = await client.post("/v1/search", content=json.dumps(body))
            assert response.status_code == 422 and len(response.content) < 2_000
