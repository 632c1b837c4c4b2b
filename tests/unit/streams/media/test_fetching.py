"""Fetching pictures: bounded in every way, and never from a private address unless its host is allowed by name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from indexer.media.store import media_hash
from streams.errors import UnreachableMedia
from streams.media.embedding_cache import FileVersion
from streams.media.fetching import FetchLimits, FetchResult, MediaFetcher
from streams.media.host_limiter import MAX_HOST_FAILURES
from tests.unit.streams.image_hosts import ImageHost, bare_host, serving

LOCAL = FetchLimits(max_bytes=1_000, timeout_s=10.0, deadline_s=30.0, attempts=1, private_hosts=("localhost",))
IMPATIENT = replace(LOCAL, timeout_s=0.3)
"""For hosts that never come to an end."""


@pytest.fixture
async def host() -> AsyncIterator[ImageHost]:
    async with serving(ImageHost()) as host:
        yield host


async def fetch_with(fetcher: MediaFetcher, url: str, known: FileVersion | None = None) -> FetchResult:
    async with fetcher.fetch(url, known) as fetched:
        return fetched


async def fetch(url: str, limits: FetchLimits = LOCAL, known: FileVersion | None = None) -> FetchResult:
    async with MediaFetcher(limits) as fetcher:
        return await fetch_with(fetcher, url, known)


async def test_an_allowed_host_is_fetched_and_redirects_are_followed(host):
    assert (await fetch(f"{host.url}/redirect?to=/ok")).data == b"picture"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/big", "more than 1000 bytes"),
        ("/endless", "more than 1000 bytes"),
        ("/missing", "answered 404"),
        ("/failing", "answered 500"),
        ("/status?204", "answered 204"),
        ("/status?206", "answered 206"),
        ("/status?304", "answered 304"),
        ("/loop", "more than 3 redirects"),
        ("/nowhere", "more than 3 redirects"),
        ("/gzip-bomb", "answered compressed"),
        ("/redirect?to=http://127.0.0.1:1/x", "private address"),
        ("/redirect?to=http://[::ffff:127.0.0.1]:1/x", "private address"),
        ("/redirect?to=http://2130706433/x", "private address"),
        ("/redirect?to=file:///etc/passwd", "only http and https"),
        ("/redirect?to=http://a:b:c/", "ValueError|not a URL"),
    ],
)
async def test_what_a_host_answers_badly_is_unreachable_with_its_reason(host, path, why):
    with pytest.raises(UnreachableMedia, match=why):
        await fetch(host.url + path)


@pytest.mark.parametrize("path", ["/drip", "/hang"])
async def test_a_host_that_does_not_come_to_an_end_is_not_waited_for(host, path):
    with pytest.raises(UnreachableMedia, match="TimeoutError"):
        await fetch(host.url + path, IMPATIENT)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://169.254.169.254/latest", "private address"),
        ("http://[::1]/x", "private address"),
        ("http://user:secret@10.0.0.1/x", "private address"),
        ("http://①②⑦.0.0.1/x", "private address"),
        ("http://１２７.0.0.1/x", "private address"),
        ("http://127。0。0。1/x", "private address"),
        ("http://127.1/x", "private address"),
        ("http://0x7f000001/x", "private address"),
        ("ftp://example.com/x", "only http and https"),
        ("http:///x", "only http and https|not a URL"),
        ("not a url", "only http and https"),
        ("http://localhost:99999/", "not a URL"),
        ("", "only http and https"),
    ],
)
async def test_what_may_not_be_fetched_is_refused_with_its_reason(url, why):
    with pytest.raises(UnreachableMedia, match=why):
        await fetch(url)


async def test_a_name_that_resolves_to_a_private_address_is_refused_and_its_host_not_blamed(host):
    async with MediaFetcher(replace(LOCAL, private_hosts=(), attempts=2)) as fetcher:
        for _ in range(2 * MAX_HOST_FAILURES):
            with pytest.raises(UnreachableMedia, match="private address; allow it by name"):
                await fetch_with(fetcher, f"{host.url}/ok")
    assert not host.asked


async def test_secrets_in_an_address_stay_out_of_messages(host):
    url = host.url.replace("http://", "http://user:secret@")
    for wrong in (f"{url}/missing?signature=secret", "http://user:secret@10.0.0.1/x#secret", "x:secret@y?secret"):
        with pytest.raises(UnreachableMedia) as caught:
            await fetch(wrong)
        assert "secret" not in str(caught.value)


async def test_what_may_pass_is_tried_again(host):
    host.statuses = [503, 429, 200]
    assert (await fetch(f"{host.url}/flaky", replace(LOCAL, attempts=3))).data == b"at last"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_final_answer_is_not_asked_for_again(host, status):
    with pytest.raises(UnreachableMedia, match=str(status)):
        await fetch(f"{host.url}/status?{status}", replace(LOCAL, attempts=3))
    assert host.asked["/status"] == 1


async def test_a_host_that_asks_for_a_long_pause_is_left_to_the_delay_lines(host):
    host.retry_after = "3600"
    started = time.monotonic()
    with pytest.raises(UnreachableMedia, match="429"):
        await fetch(f"{host.url}/later", replace(LOCAL, attempts=3))
    assert host.asked["/later"] == 1 and time.monotonic() - started < 10


async def test_a_host_that_asks_for_a_short_pause_is_given_it(host):
    host.retry_after = "1"
    started = time.monotonic()
    with pytest.raises(UnreachableMedia, match="429"):
        await fetch(f"{host.url}/later", replace(LOCAL, attempts=2))
    assert host.asked["/later"] == 2 and time.monotonic() - started >= 1


async def test_headers_that_never_end_and_headers_without_measure_are_unreachable():
    async def drip(writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-A: b\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def bomb(writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Bomb: " + b"x" * 10**6 + b"\r\n\r\n")
        await writer.drain()

    for reply, why, limits in (
        (drip, "TimeoutError|answered 400", IMPATIENT),
        (bomb, "answered 400|ClientError|LineTooLong", LOCAL),
    ):
        async with bare_host(reply) as url:
            with pytest.raises(UnreachableMedia, match=why):
                await fetch(url, limits)


async def test_a_file_that_is_cut_short_is_unreachable():
    async def cut(writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()

    async with bare_host(cut) as url:
        with pytest.raises(UnreachableMedia, match="ClientPayloadError"):
            await fetch(url)


async def test_a_file_that_says_it_is_too_large_is_not_read():
    async def large(writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx")
        await writer.drain()
        await asyncio.sleep(30)

    async with bare_host(large) as url:
        with pytest.raises(UnreachableMedia, match="more than 1000 bytes"):
            await fetch(url)


async def test_an_unchanged_file_is_not_sent_again_and_a_changed_one_is(host):
    host.etags["/ok"] = '"v1"'
    async with MediaFetcher(LOCAL) as fetcher:
        first = await fetch_with(fetcher, f"{host.url}/ok")
        assert first.version == FileVersion(media_hash(b"picture"), '"v1"')
        again = await fetch_with(fetcher, f"{host.url}/ok", first.version)
        assert again == FetchResult(first.version, None)
        host.files["/ok"], host.etags["/ok"] = b"new", '"v2"'
        assert (await fetch_with(fetcher, f"{host.url}/ok", first.version)).data == b"new"


async def test_nothing_is_carried_from_one_fetch_to_the_next(host):
    async with MediaFetcher(LOCAL) as fetcher:
        await fetch_with(fetcher, f"{host.url}/cookie")
        await fetch_with(fetcher, f"{host.url}/ok")
    assert "Cookie" not in host.headers[-1] and host.headers[-1]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "bad", [{"attempts": 0}, {"per_host": 0}, {"timeout_s": 0.0}, {"timeout_s": 5.0, "deadline_s": 4.0}]
)
def test_limits_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValueError, match="media"):
        FetchLimits(**bad)
