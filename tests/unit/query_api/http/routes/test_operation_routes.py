"""Products, media, health, metrics, documentation and logs."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import httpx
import jsonschema
import pytest

from query_api.http.openapi.document import openapi_document
from tests.shop import Shop, png


async def test_a_product_is_shown_as_indexed(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.put("p:1", png("red"), title="Mug", price=3.5, attributes={"size": ["S", "M"]})
    product = (await client.get("/v1/products/p:1")).json()
    assert product["searchable"] is True and product["price"] == 3.5
    assert product["attributes"] == {"size": ["S", "M"]}
    assert product["image_url"] == product["images"][0]["url"] and product["image_url"].startswith("/media/")


async def test_a_deleted_product_is_not_found(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.delete("mug-red")
    assert (await client.get("/v1/products/mug-red")).status_code == 404
    assert (await client.get("/v1/products/mug-red/similar")).status_code == 404


async def test_media_are_served_by_their_hash_and_copies_of_them_end(client: httpx.AsyncClient, shop: Shop) -> None:
    (digest,) = await shop.services.media_store.put([png("red")])
    response = await client.get(f"/media/{digest}")
    assert response.content == png("red") and response.headers["content-type"] == "image/png"
    assert response.headers["cache-control"] == "public, max-age=86400, immutable"
    assert "sandbox" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    again = await client.get(f"/media/{digest}", headers={"if-none-match": response.headers["etag"]})
    assert again.status_code == 304 and not again.content


@pytest.mark.parametrize("data", [b"<svg onload=alert(1)>", b"<html>", b"%PDF-1.7", b"", b"GIF", b"RIFF....ACON"])
async def test_what_is_no_picture_clip_or_sound_is_not_served(
    client: httpx.AsyncClient, shop: Shop, data: bytes
) -> None:
    (digest,) = await shop.services.media_store.put([data])
    assert (await client.get(f"/media/{digest}")).status_code == 404


async def test_health_metrics_and_readiness_answer(client: httpx.AsyncClient) -> None:
    await client.get("/v1/search", params={"q": "mug"})
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    ready = (await client.get("/readyz")).json()
    assert ready["products"] == {"searchable": 8, "incomplete": 0} and ready["redis"] is True
    assert 'vitrine_queries_total{cache="miss"}' in (await client.get("/metrics")).text


async def test_metrics_name_routes_and_not_what_callers_make_up(client: httpx.AsyncClient) -> None:
    await client.get("/made-up-by-a-caller")
    await client.get("/v1/products/made-up-id")
    text = (await client.get("/metrics")).text
    assert "made-up" not in text and 'route="ProductRoutes.product"' in text


async def test_every_file_of_the_pages_is_here(client: httpx.AsyncClient) -> None:
    for page in ("/", "/docs"):
        text = (await client.get(page)).text
        assert "http://" not in text and "https://" not in text and "<script>" not in text
        for path in [part.split('"')[0] for mark in ('src="', 'href="') for part in text.split(mark)[1:]]:
            assert (await client.get(path)).status_code == 200, path
    response = await client.get("/page/page.js")
    again = await client.get("/page/page.js", headers={"if-none-match": response.headers["etag"]})
    assert again.status_code == 304


async def test_the_openapi_document_describes_what_is_served(client: httpx.AsyncClient, shop: Shop) -> None:
    document = (await client.get("/openapi.json")).json()
    served = {route.path for route in shop.app.routes}  # type: ignore[attr-defined]
    documented = set(document["paths"])
    names = {path.replace("{id}", "{}").replace("{hash}", "{}") for path in documented}
    patterns = {re.sub(r"\{[^}]*\}", "{}", path) for path in served}
    assert names == {path for path in patterns if not path.startswith("/page") and path not in ("/", "/docs")}


async def test_answers_and_requests_fit_the_openapi_document(client: httpx.AsyncClient, shop: Shop) -> None:
    schemas = openapi_document()["components"]
    await shop.interact("ann", ["mug-red"])
    request: dict[str, Any] = {"text": "mug", "user_id": "ann", "explain": True, "facets": ["brand", "price"]}
    request |= {"filters": {"price": {"lt": 9}}, "weights": {"text": 0.5}, "sort": "newest", "group": True}
    response = (await client.post("/v1/search", json=request)).json()
    problem = (await client.post("/v1/search", json={"k": 0})).json()
    for name, value in (("SearchRequest", request), ("SearchResponse", response), ("Problem", problem)):
        schema = {"$ref": f"#/components/schemas/{name}", "components": schemas}
        jsonschema.Draft202012Validator(schema).validate(value)


async def test_logs_tell_neither_query_nor_person(
    client: httpx.AsyncClient, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "query_api")
    await client.post("/v1/search", json={"text": "secretword", "user_id": "secretuser"})
    await client.get("/v1/users/secretuser/recommendations")
    await client.post("/v1/search", json={"text": "secretword", "k": 0})
    await asyncio.sleep(0)  # Lines are written behind answers.
    lines = [vars(record) for record in caplog.records if record.name.startswith("query_api")]
    assert [line["msg"] for line in lines] == ["query_answered"] * 2
    assert {"took_ms", "cache", "hits", "degraded"} <= set(lines[0]) and "secret" not in str(lines)
