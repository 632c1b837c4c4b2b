"""Requests that are wrong, broken or hostile: a problem document each, and the service goes on."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query_api.config import QueryConfig
from query_api.contract.request_reading import read_fields, read_json
from query_api.errors import InvalidRequest
from tests.shop import MakeShop, Shop, png

BASE64 = base64.b64encode(png("red")).decode()
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"k": 0}, "k"),
    ({"k": 10**30}, "k"),
    ({"k": "5"}, "k"),
    ({"offset": -1}, "offset"),
    ({"text": 5}, "text"),
    ({"text": "x" * 1_001}, "text"),
    ({"unknown": 1}, "unknown"),
    ({"mode": "magic"}, "mode"),
    ({"mode": "lexical", "image": BASE64}, "mode"),
    ({"sort": "price; drop"}, "sort"),
    ({"weights": {"text": -1}}, "weights.text"),
    ({"weights": {"text": 1e308}}, "weights.text"),
    ({"weights": {"taste": 1}}, "weights.taste"),
    ({"facets": ["card"]}, "facets[0]"),
    ({"facets": ["brand"] * 21}, "facets"),
    ({"filters": {"colour": "red"}}, "filters.colour"),
    ({"filters": {"price": {"lt": "cheap"}}}, "filters.price.lt"),
    ({"filters": {"price": {"near": 5}}}, "filters.price"),
    ({"filters": {"brand": []}}, "filters.brand"),
    ({"filters": {"brand": [["a"]]}}, "filters.brand"),
    ({"filters": {f"attributes.{at}": "x" for at in range(40)}}, "filters"),
    ({"image": "not base64!"}, "image"),
    ({"image": ""}, "image"),
    ({"image": base64.b64encode(b"no picture").decode()}, "image"),
    ({"image": base64.b64encode(png("red")[:40]).decode()}, "image"),
    ({"image": "data:image/png;base64,?"}, "image"),
    ({"image": {"url": "data:image/png;base64,?"}}, "image"),
    ({"image": {"url": "https://shop.example/" + "x" * 2_048}}, "image"),
    ({"image": {"data": "not base64!"}}, "image.data"),
    ({"parts": [{"image": "not base64!"}]}, "parts[0].image"),
    ({"image": {"url": "http://169.254.169.254/latest"}}, "image.url"),
    ({"image": {}}, "image"),
    ({"audio": BASE64}, "audio"),
    ({"audio": ""}, "audio"),
    ({"audio": {"url": "http://example.com/a.wav"}}, "audio.url"),
    ({"video": BASE64[:40]}, "video"),
    ({"video": {"data": ""}}, "video"),
    ({"video": {"url": "http://example.com/a.mp4"}}, "video.url"),
    ({"mode": "lexical", "video": BASE64}, "mode"),
    ({"product_id": "no such thing"}, "product_id"),
    ({"product_id": "unknown"}, "product_id"),
    ({"user_id": ""}, "user_id"),
    ({"user_id": "u" * 257}, "user_id"),
]


@pytest.mark.parametrize(("request_", "field"), REFUSED, ids=lambda value: str(value)[:40])
async def test_a_bad_value_is_refused_by_the_name_of_its_field(
    client: httpx.AsyncClient, request_: dict[str, Any], field: str
) -> None:
    response = await client.post("/v1/search", json=request_)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == 422 and problem["errors"][0]["field"] == field


@pytest.mark.parametrize(
    "written",
    [
        base64.urlsafe_b64encode(png("red")).decode().rstrip("="),
        base64.encodebytes(png("red")).decode(),
        f"data:image/png;base64,{BASE64}",
        {"data": f"data:image/png;base64,{BASE64}"},
        {"url": f"data:image/png;base64,{BASE64}"},
    ],
    ids=("url-safe", "in lines", "data URI", "data URI as data", "data URI as an address"),
)
async def test_base64_is_taken_as_people_write_it(client: httpx.AsyncClient, written: Any) -> None:
    plain, *others = [
        await client.post("/v1/search", json=request)
        for request in ({"image": BASE64}, {"image": written}, {"parts": [{"image": written}]})
    ]
    assert plain.status_code == 200 and plain.json()["hits"]
    for other in others:
        assert other.json()["hits"] == plain.json()["hits"]


UNREADABLE = {
    "empty": b"",
    "cut": b"{",
    "no utf-8": b"\xff\xfe",
    "nan": b'{"weights": {"text": NaN}}',
    "lone surrogate": b'{"text": "\\ud800"}',
    "deep": b'{"filters": {"brand": ' + b"[" * 10**5,
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_a_body_that_is_no_json_is_a_bad_request(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400 and response.json()["title"] == "Bad Request"


async def test_closed_deep_json_is_refused(client: httpx.AsyncClient) -> None:
    body = b'{"filters": {"brand": ' + b"[" * 10**5 + b"]" * 10**5 + b"}}"
    response = await client.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e999", "x", "١٠٠٠"])
async def test_bad_parameters_are_refused(client: httpx.AsyncClient, value: str) -> None:
    assert (await client.get("/v1/search", params={"k": value})).status_code == 422
    assert (await client.get("/v1/search", params={"weights": f'{{"text": "{value}"}}'})).status_code == 422


async def test_other_methods_types_and_paths_are_problems(client: httpx.AsyncClient) -> None:
    for response, status in (
        (await client.put("/v1/search"), 405),
        (await client.get("/nothing"), 404),
        (await client.post("/v1/search", content=b"q", headers={"content-type": "text/plain"}), 415),
        (await client.get("/v1/products/unknown"), 404),
        (await client.get("/v1/products/unknown/similar"), 404),
        (await client.get("/media/../../etc/passwd"), 404),
        (await client.get("/media/" + "0" * 64), 404),
        (await client.post("/v1/search", files={"image": ("a", b"\x00")}), 422),
        (await client.post("/v1/search", content=b"--", headers={"content-type": "multipart/form-data"}), 400),
    ):
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"


async def test_a_body_over_the_limit_is_refused_stated_or_streamed(make_shop: MakeShop) -> None:
    shop = make_shop(QueryConfig(max_body_bytes=1_000))

    async def chunks():
        for _ in range(20):
            yield b" " * 100

    async with shop.client() as client:
        json = {"content-type": "application/json"}
        assert (await client.post("/v1/search", content=b" " * 1_001, headers=json)).status_code == 413
        assert (await client.post("/v1/search", content=chunks(), headers=json)).status_code == 413
        assert (await client.post("/v1/search", content=b"{}".ljust(1_000), headers=json)).status_code == 200


async def test_strange_texts_are_answered(client: httpx.AsyncClient) -> None:
    for text in ("\x00", "‮evil", "👩‍👩‍👧‍👦" * 100, "a" * 1_000, '"; drop', "%", "é́́́", "ﷺ" * 50, "' or 1=1"):
        assert (await client.post("/v1/search", json={"text": text, "user_id": text[:99]})).status_code == 200


async def test_every_answer_has_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/docs", "/v1/search", "/nothing", "/page/page.js"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "script-src 'self'" in headers["content-security-policy"]


async def test_an_unexpected_failure_tells_nothing_of_itself(make_shop: MakeShop) -> None:
    def fail() -> int:
        raise RuntimeError("secret")

    async with make_shop(index_age_ms=fail).client() as client:
        response = await client.get("/v1/search")
        assert response.status_code == 500 and "secret" not in response.text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
field_names = st.sampled_from(["text", "k", "filters", "weights", "facets", "image", "offset", "group", "user_id"])


@given(st.dictionaries(field_names, json_values), st.binary())
@settings(max_examples=200)
def test_reading_never_fails_in_any_other_way(fields: dict[str, Any], body: bytes) -> None:
    import msgspec

    for read in (
        lambda: read_json(msgspec.json.encode(fields)),
        lambda: read_json(body),
        lambda: read_fields({name: str(value) for name, value in fields.items()}),
    ):
        try:
            read()
        except InvalidRequest as error:
            assert error.status in (400, 422)


async def test_the_service_goes_on_after_all_that(client: httpx.AsyncClient, shop: Shop) -> None:
    await client.post("/v1/search", json={"image": base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\xff" * 99).decode()})
    assert (await client.post("/v1/search", json={"text": "red mug"})).status_code == 200
