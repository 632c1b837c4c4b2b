"""Turns at hosts: none takes the places of others, and one that does not answer is left alone."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from streams.errors import UnreachableMedia
from streams.media.embedding_cache import FileVersion
from streams.media.fetching import FetchLimits, FetchResult, MediaFetcher
from streams.media.host_limiter import FIRST_COOLDOWN_S, MAX_COOLDOWN_S, MAX_HOST_FAILURES, MAX_HOSTS, HostLimiter
from tests.unit.streams.image_hosts import ImageHost, serving

LOCAL = FetchLimits(max_bytes=1_000, timeout_s=10.0, deadline_s=60.0, attempts=1, private_hosts=("localhost",))


@pytest.fixture
async def host() -> AsyncIterator[ImageHost]:
    async with serving(ImageHost()) as host:
        yield host


async def fetch_with(fetcher: MediaFetcher, url: str, known: FileVersion | None = None) -> FetchResult:
    async with fetcher.fetch(url, known) as fetched:
        return fetched


async def test_a_host_that_does_not_answer_is_left_alone_after_a_few_tries(host):
    async with MediaFetcher(LOCAL) as fetcher:
        for _ in range(MAX_HOST_FAILURES):
            with pytest.raises(UnreachableMedia, match=r"refused|Connect call failed"):
                await fetch_with(fetcher, "http://localhost:1/x")
        with pytest.raises(UnreachableMedia, match="not tried"):
            await fetch_with(fetcher, "http://localhost:1/x")
        assert (await fetch_with(fetcher, f"{host.url}/ok")).data == b"picture"


async def test_a_host_that_answers_with_errors_is_asked_on(host):
    async with MediaFetcher(LOCAL) as fetcher:
        for _ in range(2 * MAX_HOST_FAILURES):
            with pytest.raises(UnreachableMedia, match="404"):
                await fetch_with(fetcher, f"{host.url}/missing")
    assert host.asked["/missing"] == 2 * MAX_HOST_FAILURES


async def test_the_host_that_hangs_behind_a_redirect_rests_and_not_the_one_that_redirects(host):
    limits = replace(LOCAL, timeout_s=1.5, per_host=MAX_HOST_FAILURES)
    async with serving(ImageHost()) as silent, MediaFetcher(limits) as fetcher:
        behind = f"{host.url}/redirect?to={silent.url}"
        results = await asyncio.gather(
            *(fetch_with(fetcher, f"{behind}/hang") for _ in range(MAX_HOST_FAILURES)), return_exceptions=True
        )
        assert all(isinstance(result, UnreachableMedia) and "TimeoutError" in str(result) for result in results)
        with pytest.raises(UnreachableMedia, match="not tried"):
            await fetch_with(fetcher, f"{behind}/ok")
        assert (await fetch_with(fetcher, f"{host.url}/ok")).data == b"picture"


async def test_a_host_with_much_to_send_is_not_taken_for_one_that_is_silent(host):
    # Sixty at two a time take as long as one of them may; each takes a thirtieth of that.
    limits = replace(LOCAL, timeout_s=1.5, per_host=2, concurrency=4)
    async with MediaFetcher(limits) as fetcher:
        fetched = await asyncio.gather(*(fetch_with(fetcher, f"{host.url}/slow?{n}") for n in range(64)))
    assert [result.data for result in fetched] == [f"slow {n}".encode() for n in range(64)]
    assert host.most_at_once == 2


async def test_a_hanging_host_takes_no_place_of_others_and_its_line_is_turned_away_as_one(host):
    limits = replace(LOCAL, timeout_s=2.0, per_host=4, concurrency=5)
    async with serving(ImageHost()) as silent, MediaFetcher(limits) as fetcher:
        hanging = [asyncio.create_task(fetch_with(fetcher, f"{silent.url}/hang")) for _ in range(50)]
        while silent.asked["/hang"] < 4:
            await asyncio.sleep(0.01)
        assert (await fetch_with(fetcher, f"{host.url}/ok")).data == b"picture"
        assert not any(result.done() for result in hanging)
        results = await asyncio.gather(*hanging, return_exceptions=True)
        assert all(isinstance(result, UnreachableMedia) for result in results)
        # A second round may begin before the first has wholly failed.
        assert silent.asked["/hang"] <= 8


async def test_who_had_no_turn_in_time_gives_up_without_blaming_the_host(host):
    # Turns are given for a quarter of a second; one after the other, thirty files take six times that.
    limits = replace(LOCAL, timeout_s=10.0, deadline_s=10.25, per_host=1)
    async with MediaFetcher(limits) as fetcher:
        results = await asyncio.gather(
            *(fetch_with(fetcher, f"{host.url}/slow?{n}") for n in range(30)), return_exceptions=True
        )
        refused = [str(result) for result in results if isinstance(result, UnreachableMedia)]
        assert 0 < len(refused) < 30 and all("too many others" in error for error in refused)
        assert (await fetch_with(fetcher, f"{host.url}/ok")).data == b"picture"


async def test_no_more_files_are_in_hand_than_allowed(host):
    async with MediaFetcher(replace(LOCAL, concurrency=2)) as fetcher:
        in_hand = most = 0

        async def hold() -> None:
            nonlocal in_hand, most
            async with fetcher.fetch(f"{host.url}/ok"):
                in_hand += 1
                most = max(most, in_hand)
                await asyncio.sleep(0.01)
                in_hand -= 1

        await asyncio.gather(*(hold() for _ in range(8)))
    assert most == 2


async def test_a_fetch_that_is_cancelled_gives_its_turn_back(host):
    async with MediaFetcher(replace(LOCAL, concurrency=1, per_host=1)) as fetcher:
        hanging = asyncio.create_task(fetch_with(fetcher, f"{host.url}/hang"))
        while not host.asked["/hang"]:
            await asyncio.sleep(0.01)
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        assert (await fetch_with(fetcher, f"{host.url}/ok")).data == b"picture"


async def test_names_that_hang_keep_nobody_else_from_a_thread(host, monkeypatch):
    look_up, answered = socket.getaddrinfo, threading.Event()

    def hang(name, *args, **more):
        if name == "hangs.example":
            answered.wait()
        return look_up("localhost" if name == "hangs.example" else name, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    async with MediaFetcher(replace(LOCAL, timeout_s=0.2)) as fetcher:
        try:
            lost = [asyncio.create_task(fetch_with(fetcher, "http://hangs.example/x")) for _ in range(12)]
            await asyncio.sleep(0)
            async with asyncio.timeout(10):
                assert await asyncio.to_thread(lambda: "a thread") == "a thread"
            results = await asyncio.gather(*lost, return_exceptions=True)
            assert all(isinstance(result, UnreachableMedia) for result in results)
        finally:
            answered.set()


async def test_a_host_that_is_still_down_after_its_rest_has_one_try():
    now = 0.0
    hosts = HostLimiter(1, clock=lambda: now)

    def fail() -> None:
        with pytest.raises(TimeoutError), hosts.record_outcome("a"):
            raise TimeoutError

    for _ in range(MAX_HOST_FAILURES):
        hosts.check_available("a")
        fail()
    with pytest.raises(UnreachableMedia):
        hosts.check_available("a")
    # Others that were under way fail too: that is the same silence.
    fail()
    rests = [FIRST_COOLDOWN_S]
    while rests[-1] < MAX_COOLDOWN_S:
        now += rests[-1]
        hosts.check_available("a")
        fail()
        rests.append(min(2 * rests[-1], MAX_COOLDOWN_S))
        now += rests[-1] - 0.01
        with pytest.raises(UnreachableMedia):
            hosts.check_available("a")
        now -= rests[-1] - 0.01
    with hosts.record_outcome("a"):
        pass
    hosts.check_available("a")
    for _ in range(MAX_HOST_FAILURES):
        fail()
    now += FIRST_COOLDOWN_S
    hosts.check_available("a")


async def test_names_of_hosts_do_not_pile_up():
    hosts = HostLimiter(1)
    for number in range(MAX_HOSTS + 10):
        async with hosts.slot(f"host-{number}", asyncio.get_running_loop().time() + 1):
            pass
    assert len(hosts) <= MAX_HOSTS
