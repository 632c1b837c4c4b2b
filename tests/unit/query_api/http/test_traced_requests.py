"""Requests as spans: which route, with which status, through which stages; never who asked, or what for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from encoders.tracing.in_memory import InMemoryTracer
from indexer.errors import StoreUnavailable
from tests.shop import Shop

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
SEARCH = "GET /v1/search"


@pytest.fixture
def tracer() -> InMemoryTracer:
    """Records what a caller has recorded, and nothing else."""
    return InMemoryTracer(is_sampled=False)


@pytest.fixture
def shop_options(tracer: InMemoryTracer) -> dict[str, Any]:
    return {"tracer": tracer}


async def test_a_search_is_a_span_of_its_callers_trace_with_its_stages(
    client: httpx.AsyncClient, tracer: InMemoryTracer
):
    path = "/v1/search?q=red+mug&user_id=shopper-7"
    assert (await client.get(path, headers={"traceparent": PARENT, "tracestate": "a=1"})).status_code == 200
    request = tracer.named(SEARCH)[0]
    assert request.kind == "server" and request.context.trace_id == TRACE and request.context.state == "a=1"
    assert request.parent is not None and request.parent.span_id == "00f067aa0ba902b7"
    facts = {"http.request.method": "GET", "http.route": "/v1/search", "http.response.status_code": 200}
    assert request.attributes == facts and request.error == ""
    by_id = {span.context.span_id: span for span in tracer.ended}

    def way(name: str) -> list[str]:
        span, names = tracer.named(name)[0], []
        while span is not None and span.parent is not None:
            span = by_id.get(span.parent.span_id)
            names += [span.name] if span else []
        return names

    assert all(way(name) == [SEARCH] for name in ("catch up", "inputs", "plan", "profile", "rank", "answer"))
    assert way("embed") == way("retrieve") == ["candidates", SEARCH]
    assert tracer.named("answer")[0].attributes["vitrine.cache"] == "miss"
    assert tracer.named("retrieve")[0].attributes == {"db.system.name": "milvus"}


async def test_a_finished_answer_is_a_span_too(client: httpx.AsyncClient, tracer: InMemoryTracer):
    for _ in range(2):
        await client.get("/v1/search?q=mug")
    assert tracer.ended == []
    await client.get("/v1/search?q=mug", headers={"traceparent": PARENT})
    assert [span.name for span in tracer.ended] == ["catch up", SEARCH]
    request = tracer.ended[-1].attributes
    assert request["vitrine.cache"] == "hit" and request["http.response.status_code"] == 200


@pytest.mark.parametrize(
    ("method", "path", "name", "status"),
    [
        ("GET", "/v1/products/mug-red", "GET /v1/products/{product_id}", 200),
        ("GET", "/v1/products/secret-9", "GET /v1/products/{product_id}", 404),
        ("DELETE", "/v1/users/secret-7", "DELETE /v1/users/{user_id}", 204),
        ("GET", "/v1/users/secret-7/recommendations", "GET /v1/users/{user_id}/recommendations", 200),
        ("POST", "/v1/search", "POST /v1/search", 422),
        ("GET", "/secret-1", "GET", 404),
        ("BREW", "/v1/search", "HTTP /v1/search", 405),
    ],
)
async def test_every_route_is_told_by_its_pattern(
    client: httpx.AsyncClient, tracer: InMemoryTracer, method: str, path: str, name: str, status: int
):
    body = {"text": "secret words", "k": 0} if method == "POST" else None
    address = path + ("?q=secret" if method == "BREW" else "")
    answer = await client.request(method, address, headers={"traceparent": PARENT}, json=body)
    request = tracer.named(name)[0]
    assert answer.status_code == status == request.attributes["http.response.status_code"] and request.error == ""
    told = repr([(span.name, span.attributes, span.error) for span in tracer.ended])
    assert "secret" not in told and "traceresponse" not in answer.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_are_no_traces(client: httpx.AsyncClient, tracer: InMemoryTracer, path: str):
    await client.get(path, headers={"traceparent": PARENT})
    assert tracer.ended == []


@pytest.mark.parametrize("parent", ["00-nonsense", PARENT.upper(), PARENT + "-more", "\u00ff" * 40])
async def test_a_parent_that_is_none_is_no_parent(client: httpx.AsyncClient, tracer: InMemoryTracer, parent: str):
    headers = {"traceparent": parent.encode("latin-1"), "baggage": "user=secret"}
    assert (await client.get("/v1/search?q=mug", headers=headers)).status_code == 200
    assert tracer.ended == []


async def test_a_server_that_is_away_is_an_error_of_the_request(
    client: httpx.AsyncClient, tracer: InMemoryTracer, shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("what a shopper typed")

    for name in ("search_dense", "search_lexical"):
        monkeypatch.setattr(shop.services.store, name, away)
    assert (await client.get("/v1/search?q=mug", headers={"traceparent": PARENT})).status_code == 503
    request = tracer.named(SEARCH)[0]
    assert request.error == "503" and tracer.named("retrieve")[0].error in ("StoreUnavailable", "ExceptionGroup")
