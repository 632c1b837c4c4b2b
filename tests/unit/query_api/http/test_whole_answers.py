"""Answers that are written as a whole: over the wire nobody can tell them from others."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from query_api.http import hot_search
from tests.access import Doorkeeper
from tests.shop import MakeShop, Shop
from tests.unit.query_api.http.raw_http import get, serve

PATH = "/v1/search?q=mug&k=1"
SITE = "origin: https://shop.example"


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies that were sent as a whole."""
    sent: list[bytes] = []
    original = hot_search.whole_answer
    monkeypatch.setattr(hot_search, "whole_answer", lambda head, body: (sent.append(body), original(head, body))[1])
    return sent


def _read(answer: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Status line, headers but for those that tell time and length, and the body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    assert int(headers.pop(b"content-length")) == len(body) and headers.pop(b"date")
    return status, headers, body


@pytest.mark.parametrize(
    "headers", [(), ("connection: close",), ("accept-encoding: gzip, br",), ("expect: 100-continue",)]
)
async def test_a_whole_answer_has_status_headers_and_end_of_any_other(
    shop: Shop, whole: list[bytes], headers: tuple[str, ...]
) -> None:
    await shop.put("mug", title="red mug")
    async with serve(shop.app) as served:
        made, finished = [_read(await served.ask(get(PATH, *headers))) for _ in range(2)]
        assert made[:2] == finished[:2] and finished[0] == f"HTTP/1.1 200 {HTTPStatus.OK.phrase}".encode()
        assert b'"cache":"miss"' in made[2] and b'"cache":"hit"' in finished[2]
        assert whole == [finished[2]]
        async with await served.connect() as raw:
            await raw.send(get(PATH, *headers))
            assert await raw.read()
            assert "connection: close" not in headers or await raw.is_closed()


async def test_requests_that_are_sent_ahead_are_answered_in_their_order(shop: Shop, whole: list[bytes]) -> None:
    await shop.put("mug", title="red mug")
    async with serve(shop.app) as served:
        await served.ask(get(PATH))
        answers = await served.ask(get(PATH) + get("/healthz") + get(PATH, "connection: close"))
    assert answers.count(b"HTTP/1.1 200") == 3 and len(whole) == 2
    first, middle, last = (answers.index(part) for part in (whole[0], b'"status"', whole[1]))
    assert first < middle < last


async def test_who_asks_for_the_head_alone_gets_no_body_and_the_next_answer_begins_where_it_should(
    shop: Shop, whole: list[bytes]
) -> None:
    await shop.put("mug", title="red mug")
    async with serve(shop.app) as served:
        await served.ask(get(PATH))
        answers = await served.ask(get(PATH).replace(b"GET", b"HEAD", 1) + get(PATH, "connection: close"))
    head, _, rest = answers.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    assert status == b"HTTP/1.1 200 OK" and b"content-type: application/json" in lines
    assert rest.startswith(b"HTTP/1.1 200 OK") and whole == [_read(rest)[2]]


async def test_a_body_that_nobody_asked_for_is_no_request(shop: Shop, whole: list[bytes]) -> None:
    await shop.put("mug", title="red mug")
    body = get("/healthz")
    chunked = get(PATH, "transfer-encoding: chunked") + b"%x\r\n%b\r\n" % (len(body), body)
    async with serve(shop.app) as served:
        await served.ask(get(PATH))
        for ahead in (get(PATH, f"content-length: {len(body)}") + body, chunked + b"0\r\n\r\n"):
            answers = await served.ask(ahead + get(PATH, "connection: close"))
            assert answers.count(b"HTTP/1.1 200") == 2 and b'"status"' not in answers
        assert len(whole) == 4
        async with await served.connect() as raw:
            # The answer comes before the end of the body: what follows is not taken for a request.
            await raw.send(chunked)
            assert (await raw.read()).endswith(whole[-1])
            await raw.send(b"0\r\n\r\n" + get("/healthz"))
            assert await raw.read_all() == b""


async def test_a_page_of_another_site_gets_the_headers_that_let_it_read_the_answer(
    make_shop: MakeShop, whole: list[bytes]
) -> None:
    door = Doorkeeper(cors_origins=("https://shop.example",))
    await door.keys.refresh()
    shop = make_shop(gate=door.gate)
    await shop.put("mug", title="red mug")
    async with serve(shop.app) as served:
        answers = [_read(await served.ask(get(PATH, SITE))) for _ in range(2)]
    assert [headers[b"access-control-allow-origin"] for _, headers, _ in answers] == [b"https://shop.example"] * 2
    assert b'"cache":"hit"' in answers[1][2] and not whole
