"""Fetching pictures: bounded, and never from a private address unless its host is allowed by name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from streams.errors import UnreachableMedia
from streams.fetching import HOST_FAILURES, FetchLimits, MediaFetcher

LOCAL = FetchLimits(max_bytes=1_000, timeout_s=0.5, attempts=1, private_hosts=("localhost",))


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 500)
        await asyncio.sleep(0)


async def hang(_: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


@asynccontextmanager
async def image_host() -> AsyncIterator[str]:
    """A host that behaves in all the ways that hosts do; yields its URL by name."""
    tries = iter([500, 200])

    async def ok(_: web.Request) -> web.Response:
        return web.Response(body=b"picture")

    async def flaky(_: web.Request) -> web.Response:
        return web.Response(status=next(tries), body=b"at last")

    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPFound(request.query["to"])

    async def big(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 1_001)

    app = web.Application()
    handlers = {"ok": ok, "flaky": flaky, "redirect": redirect, "big": big, "endless": endless, "hang": hang}
    app.add_routes([web.get(f"/{name}", handler) for name, handler in handlers.items()])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def fetch(path: str, limits: FetchLimits = LOCAL) -> bytes:
    async with image_host() as host, MediaFetcher(limits) as fetcher:
        data = (await fetcher.fetch(host + path if path.startswith("/") else path)).data
        assert data is not None
        return data


async def test_an_allowed_host_is_fetched_and_redirects_are_followed():
    assert await fetch("/redirect?to=/ok") == b"picture"


async def test_a_failing_host_is_tried_again():
    assert await fetch("/flaky", FetchLimits(attempts=2, private_hosts=("localhost",))) == b"at last"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/big", "more than 1000 bytes"),
        ("/endless", "more than 1000 bytes"),
        ("/hang", "TimeoutError"),
        ("/missing", "404"),
        ("/redirect?to=/redirect", "500|redirects|KeyError"),
        ("/redirect?to=http://127.0.0.1:1/x", "private address"),
        ("/redirect?to=file:///etc/passwd", "only http and https"),
        ("http://169.254.169.254/latest", "private address"),
        ("http://[::1]/x", "private address"),
        ("http://2130706433/x", "InvalidUrl"),
        ("ftp://example.com/x", "only http and https"),
        ("http:///x", "only http and https"),
        ("not a url", "only http and https"),
    ],
)
async def test_what_may_not_be_fetched_is_refused_with_its_reason(path, why):
    with pytest.raises(UnreachableMedia, match=why):
        await fetch(path)


async def test_a_name_that_resolves_to_a_private_address_is_refused():
    with pytest.raises(UnreachableMedia, match="private address"):
        await fetch("/ok", FetchLimits(attempts=1))


async def test_query_strings_stay_out_of_messages():
    with pytest.raises(UnreachableMedia) as caught:
        await fetch("/missing?signature=secret")
    assert "secret" not in str(caught.value)


async def test_a_host_that_does_not_answer_is_left_alone_after_a_few_tries():
    async with image_host() as host, MediaFetcher(LOCAL) as fetcher:
        url = "http://localhost:1/x"
        for _ in range(HOST_FAILURES):
            with pytest.raises(UnreachableMedia, match=r"refused|Connect call failed"):
                await fetcher.fetch(url)
        with pytest.raises(UnreachableMedia, match="not tried"):
            await fetcher.fetch(url)
        assert (await fetcher.fetch(f"{host}/ok")).data == b"picture"


async def test_a_host_that_answers_with_errors_is_asked_on():
    async with image_host() as host, MediaFetcher(LOCAL) as fetcher:
        for _ in range(2 * HOST_FAILURES):
            with pytest.raises(UnreachableMedia, match="404"):
                await fetcher.fetch(f"{host}/missing")
