"""What is no clean HTTP, over real sockets: refused, so that nobody reads it otherwise than a proxy before us."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.shop import Shop
from tests.unit.query_api.http.raw_http import get, serve

JSON = "content-type: application/json"


SMUGGLED = b"GET /healthz HTTP/1.1\r\nhost: shop\r\n\r\n"
REFUSED: dict[str, tuple[bytes, Iterable[int]]] = {
    "length and chunks": (
        b"POST / HTTP/1.1\r\nhost: s\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        (400,),
    ),
    "two lengths": (b"POST / HTTP/1.1\r\nhost: s\r\ncontent-length: 6\r\ncontent-length: 7\r\n\r\n123456", (400,)),
    "a length that is none": (b"POST / HTTP/1.1\r\nhost: s\r\ncontent-length: +6\r\n\r\n123456", (400,)),
    "a chunk size that is none": (
        b"POST / HTTP/1.1\r\nhost: s\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n1\r\n0\r\n\r\n",
        (400,),
    ),
    "a chunk of 2^70": (
        b"POST / HTTP/1.1\r\nhost: s\r\ntransfer-encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\nx",
        (400,),
    ),
    "chunks that are no last coding": (
        b"POST / HTTP/1.1\r\nhost: s\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        (400,),
    ),
    "a blank before the colon": (b"GET /healthz HTTP/1.1\r\nhost : s\r\n\r\n", (400,)),
    "a folded header": (b"GET /healthz HTTP/1.1\r\nhost: s\r\nx: a\r\n b\r\n\r\n", (400,)),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", (400,)),
    "two hosts": (b"GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", (400,)),
    "a zero byte": (b"GET /healthz HTTP/1.1\r\nhost: s\r\nx: \x00\r\n\r\n", (400,)),
    "bare line feeds in a header": (b"GET /healthz HTTP/1.1\r\nhost: s\nx: y\r\n\r\n", (400,)),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01", (400,)),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,)),
    "too many headers": (b"GET /healthz HTTP/1.1\r\nhost: s\r\n" + b"x: y\r\n" * 101 + b"\r\n", (431,)),
    "too large headers": (b"GET /healthz HTTP/1.1\r\nhost: s\r\nx: " + b"y" * 70_000 + b"\r\n\r\n", (431,)),
    "a header without end": (b"GET /healthz HTTP/1.1\r\nhost: s\r\nx: " + b"y" * 70_000, (431,)),
    "too long an address": (b"GET /" + b"y" * 40_000 + b" HTTP/1.1\r\nhost: s\r\n\r\n", (414,)),
}


@pytest.mark.parametrize(("request_", "statuses"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_no_clean_http_is_refused_and_the_connection_closed(
    shop: Shop, request_: bytes, statuses: Iterable[int]
) -> None:
    async with serve(shop.app) as served, await served.connect() as raw:
        await raw.send(request_)
        answer = await raw.read_all(3)
        assert answer.startswith(tuple(f"HTTP/1.1 {status}".encode() for status in statuses)), answer
        assert answer.count(b"HTTP/1.1") == 1 and b"connection: close" in answer
        assert b"application/problem+json" in answer


async def test_trailers_are_no_headers(shop: Shop) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        seen.append([name for name, _ in scope["headers"]])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with serve(app) as served:
        request = b"POST / HTTP/1.1\r\nhost: s\r\ntransfer-encoding: chunked\r\n\r\n0\r\nauthorization: x\r\n\r\n"
        assert b" 204 " in await served.ask(request)
    assert seen == [[b"host", b"transfer-encoding"]]


async def test_an_upgrade_is_answered_as_a_plain_request(shop: Shop) -> None:
    async with serve(shop.app) as served:
        answer = await served.ask(get("/healthz", "connection: upgrade", "upgrade: websocket"))
        assert answer.startswith(b"HTTP/1.1 200") and b"connection: close" in answer
