"""Turns at hosts: so many at once at each, and none for a while at one that does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import aiohttp

from streams.errors import UnreachableMedia

HOST_FAILURES = 4
"""So many tries in a row without an answer, and a host is left alone for a while."""
FIRST_REST_S, LONGEST_REST_S = 1.0, 30.0
"""A while: twice as long each time that it is still silent, so that a short silence costs pictures no late retry."""
MAX_HOSTS = 10_000
"""How many hosts are known at once; whoever sends events chooses their names."""


@dataclass(slots=True)
class _Host:
    turns: asyncio.Semaphore
    users: int = 0
    failures: int = 0
    rest_s: float = FIRST_REST_S
    """How long it would rest next."""
    resting_until: float = field(default=0.0)


class Hosts:
    """What is known of the hosts that are fetched from, by name and port."""

    def __init__(self, per_host: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: per_host: turns at one host at the same time; clock: seconds."""
        self._per_host = per_host
        self._clock = clock
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, host: str, until: float) -> AsyncIterator[None]:
        """One of the turns at a host.

        Args:
            host: whose turn it is.
            until: when to give up waiting for it, by the event loop's clock.

        Raises:
            UnreachableMedia: there was no turn in time, or the host rests.
        """
        known = self._known(host)
        known.users += 1
        try:
            await wait_for_turn(known.turns, until)
            try:
                # Asked after the wait: those that were in line are turned away too when a host falls silent.
                self.check(host)
                yield
            finally:
                known.turns.release()
        finally:
            known.users -= 1

    def check(self, host: str) -> None:
        """Raises `UnreachableMedia` while a host rests."""
        known = self._hosts.get(host)
        if known and self._clock() < known.resting_until:
            raise UnreachableMedia(f"not tried, its host failed {HOST_FAILURES} times in a row just now")

    @contextmanager
    def watched(self, host: str) -> Iterator[None]:
        """Notes whether the host answers what is asked of it meanwhile; any answer, be it 404, is a sign of life."""
        try:
            yield
        except aiohttp.ClientResponseError:
            self._answered(host)
            raise
        except (aiohttp.ClientError, TimeoutError, OSError):
            self._failed(host)
            raise
        self._answered(host)

    def _answered(self, host: str) -> None:
        known = self._known(host)
        known.failures, known.rest_s, known.resting_until = 0, FIRST_REST_S, 0.0

    def _failed(self, host: str) -> None:
        known = self._known(host)
        if self._clock() < known.resting_until:
            # Begun before the rest was.
            return
        known.failures += 1
        if known.failures >= HOST_FAILURES:
            # One failure short of its next rest: a host that is still down has a single try then.
            known.failures = HOST_FAILURES - 1
            known.resting_until = self._clock() + known.rest_s
            known.rest_s = min(2 * known.rest_s, LONGEST_REST_S)

    def _known(self, host: str) -> _Host:
        if host not in self._hosts:
            if len(self._hosts) >= MAX_HOSTS:
                self._hosts = {name: one for name, one in self._hosts.items() if one.users}
            self._hosts[host] = _Host(asyncio.Semaphore(self._per_host))
        return self._hosts[host]


async def wait_for_turn(turns: asyncio.Semaphore, until: float) -> None:
    """Acquire, or raise `UnreachableMedia` when there was no turn by then (the event loop's clock)."""
    try:
        async with asyncio.timeout_at(until):
            await turns.acquire()
    except TimeoutError as error:
        raise UnreachableMedia("not tried, too many others were before it") from error
