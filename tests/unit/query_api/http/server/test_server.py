"""Clients that are slow, many or rude, over real sockets: each is limited, and others are served."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
import trustme

from query_api.config import QueryConfig
from query_api.http.server.connections import ROOM_AFTER_S, Connections
from tests.shop import Shop
from tests.unit.query_api.http.raw_http import get, post, serve

JSON = "content-type: application/json"


async def _wait_until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


class Echo:
    """Reads bodies, counts the pieces they come in, and answers when it is let."""

    def __init__(self) -> None:
        self.pieces: list[int] = []
        self.asked = 0
        self.answer = asyncio.Event()
        self.answer.set()
        self.body = b"ok"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        pieces, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            pieces, more = pieces + 1, message["more_body"]
        self.pieces.append(pieces)
        await self.answer.wait()
        headers = [(b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


async def test_a_request_is_answered_and_the_connection_kept(shop: Shop) -> None:
    async with serve(shop.app) as served, await served.connect() as raw:
        for _ in range(3):
            await raw.send(get("/healthz"))
            assert (await raw.read()).startswith(b"HTTP/1.1 200")
        assert len(served.server.connections.idle) == 1


async def test_a_body_in_pieces_of_a_byte_wakes_the_app_once() -> None:
    app = Echo()
    async with serve(app) as served:
        chunked = b"POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n"
        answer = await served.ask(chunked + b"1\r\nx\r\n" * 4_000 + b"0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200") and app.pieces == [1]
        answer = await served.ask(chunked + b"1\r\nx\r\n" * 5_000 + b"0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 408") and app.pieces == [1]


async def test_packets_of_a_byte_are_refused_after_a_thousand() -> None:
    app = Echo()
    async with serve(app) as served, await served.connect() as raw:
        await raw.send(b"POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 100000\r\n\r\n")
        for _ in range(1_100):
            await raw.send(b"x")
            await asyncio.sleep(0)
        assert (await raw.read()).startswith(b"HTTP/1.1 408") or await raw.is_closed()
        assert app.pieces == []


async def test_whoever_says_nothing_or_half_a_header_is_closed(shop: Shop) -> None:
    async with serve(shop.app, header_deadline_s=0.2) as served:
        for start in (b"", b"GET /healthz HTTP/1.1\r\nhost:"):
            async with await served.connect() as raw:
                await raw.send(start)
                assert b" 408 " in await raw.read_all(3)
        async with await served.connect() as raw:
            await raw.send(get("/healthz"))
            await raw.read()
            await raw.send(b"GET /")
            assert await raw.is_closed()


async def test_half_of_a_tls_handshake_is_not_waited_for(shop: Shop) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    async with serve(shop.app, tls=context, header_deadline_s=0.3) as served, await served.connect() as raw:
        await raw.send(b"\x16\x03\x01")
        assert await raw.is_closed()


async def test_an_idle_connection_is_closed_after_a_while(shop: Shop) -> None:
    async with serve(shop.app, keep_alive_s=1) as served, await served.connect() as raw:
        await raw.send(get("/healthz"))
        assert await raw.is_closed()


async def test_a_body_has_a_deadline(shop: Shop) -> None:
    async with serve(shop.app, body_deadline_s=0.3) as served, await served.connect() as raw:
        await raw.send(f"POST /v1/search HTTP/1.1\r\nhost: shop\r\n{JSON}\r\ncontent-length: 9\r\n\r\n{{".encode())
        assert (await raw.read_all(3)).startswith(b"HTTP/1.1 408")
        assert not served.server.connections.receiving


async def test_bodies_share_a_bound_of_memory() -> None:
    app = Echo()
    async with serve(app, body_memory_bytes=1_000_000) as served:
        raws = [await served.connect() for _ in range(20)]
        for raw in raws:
            await raw.send(b"POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 300000\r\n\r\n" + b"x" * 200_000)
        held = served.server.connections
        await _wait_until(lambda: app.asked == 20 and len(held.leaving) >= 17)
        assert len(held.receiving) == 3 and held.body_bytes <= 1_000_000
        for raw in raws[3:]:
            answer = await raw.read()
            assert b" 503 " in answer and b"retry-after" in answer
        await asyncio.sleep(ROOM_AFTER_S)
        async with await served.connect() as raw:
            await raw.send(b"POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 300000\r\n\r\n")
            assert b" 503 " in await raws[0].read()
            await raw.send(b"x" * 300_000)
            assert b" 200 " in await raw.read()
        # What is small needs no room.
        assert b" 200 " in await served.ask(post("/", b"x" * 1_000))
        for raw in raws:
            raw.writer.close()
        await _wait_until(lambda: held.body_bytes == 0)


async def test_at_most_so_many_connections_and_the_longest_idle_one_gives_way(shop: Shop) -> None:
    async with serve(shop.app, max_connections=5) as served:
        raws = [await served.connect() for _ in range(12)]
        assert b" 200 " in await served.ask(get("/healthz"))
        assert [await raw.is_closed() for raw in raws[:7]] == [True] * 7
        await raws[-1].send(get("/healthz"))
        assert b" 200 " in await raws[-1].read()
        for raw in raws:
            raw.writer.close()


async def test_where_all_are_being_answered_a_new_one_gets_503() -> None:
    app = Echo()
    app.answer.clear()
    async with serve(app, max_connections=3) as served:
        raws = [await served.connect() for _ in range(3)]
        for raw in raws:
            await raw.send(get("/"))
        await _wait_until(lambda: app.asked == 3)
        answer = await served.ask(get("/"))
        assert b" 503 " in answer and b"retry-after" in answer and b"application/problem+json" in answer
        app.answer.set()
        for raw in raws:
            assert b" 200 " in await raw.read()
            raw.writer.close()


async def test_connections_of_one_address_are_limited_where_it_is_said(shop: Shop) -> None:
    async with serve(shop.app, max_connections_per_address=2) as served:
        raws = [await served.connect() for _ in range(2)]
        await _wait_until(lambda: len(served.server.connections.idle) == 2)
        assert b" 503 " in await served.ask(get("/healthz"))
        raws[0].writer.close()
        await _wait_until(lambda: len(served.server.connections.idle) == 1)
        assert b" 200 " in await served.ask(get("/healthz"))
        raws[1].writer.close()


async def test_more_requests_than_are_answered_at_a_time_get_503_and_health_does_not() -> None:
    app = Echo()
    app.answer.clear()
    async with serve(app, max_requests=2) as served:
        raws = [await served.connect() for _ in range(3)]
        for raw in raws[:2]:
            await raw.send(get("/v1/search"))
        await _wait_until(lambda: app.asked == 2)
        assert b" 503 " in await served.ask(get("/v1/search"))
        await raws[2].send(get("/healthz"))
        await _wait_until(lambda: app.asked == 3)
        app.answer.set()
        assert all([b" 200 " in await raw.read() for raw in raws])
        for raw in raws:
            raw.writer.close()


async def test_a_client_that_takes_nothing_of_its_answer_is_cut() -> None:
    app = Echo()
    app.body = b"x" * (32 << 20)
    async with serve(app, write_deadline_s=0.3) as served, await served.connect() as raw:
        raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await raw.send(get("/"))
        await _wait_until(lambda: len(served.server.connections.writing) == 1)
        await _wait_until(lambda: not served.server.server_state.connections)


async def test_an_answer_before_the_end_of_the_body_ends_the_connection(shop: Shop) -> None:
    async with serve(shop.app) as served, await served.connect() as raw:
        head = "POST /v1/search HTTP/1.1\r\nhost: shop\r\ncontent-type: text/plain\r\ncontent-length: 60000\r\n\r\n"
        await raw.send(head.encode())
        assert b" 415 " in await raw.read()
        await raw.send(get("/healthz") * 100)
        assert await raw.is_closed()


async def test_requests_ahead_of_their_answers_are_limited() -> None:
    app = Echo()
    async with serve(app) as served:
        assert (await served.ask(get("/") * 8)).count(b" 200 ") == 8
        app.answer.clear()
        async with await served.connect() as raw:
            await raw.send(get("/") * 1_000)
            assert await raw.is_closed()


async def test_a_client_that_is_cut_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    app = Echo()
    app.body = b"x" * (8 << 20)
    async with serve(app, write_deadline_s=0.3) as served:
        for count in (1, 8, 50):
            async with await served.connect() as raw:
                raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
                await raw.send(get("/") * count)
                await _wait_until(lambda: app.asked and not served.server.server_state.connections)
                await _wait_until(lambda: not served.server.server_state.tasks)
    assert not [record for record in caplog.records if record.exc_info]


def test_an_address_of_ipv6_is_its_network() -> None:
    connections = Connections(QueryConfig(max_connections_per_address=1))

    class Client:
        def __init__(self, address: str) -> None:
            self.address = address

    first, second, other = Client("2001:db8::1"), Client("2001:db8::2"), Client("2001:db8:1::1")
    assert connections.admit(first, 0) is None  # type: ignore[arg-type]
    assert connections.admit(second, 0) is not None  # type: ignore[arg-type]
    assert connections.admit(other, 0) is None  # type: ignore[arg-type]
