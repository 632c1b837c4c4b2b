"""Turns at hosts: so many at once at each, and none for a while at one that does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import aiohttp

from streams.errors import UnreachableMedia

MAX_HOST_FAILURES = 4
"""So many tries in a row without an answer, and a host is left alone for a while."""
FIRST_COOLDOWN_S, MAX_COOLDOWN_S = 1.0, 30.0
"""A while: twice as long each time that it is still silent, so that a short silence costs pictures no late retry."""
MAX_HOSTS = 10_000
"""How many hosts are known at once; whoever sends events chooses their names."""


@dataclass(slots=True)
class _Host:
    slots: asyncio.Semaphore
    users: int = 0
    failures: int = 0
    cooldown_s: float = FIRST_COOLDOWN_S
    """How long it would rest next."""
    cooldown_until: float = field(default=0.0)


class HostLimiter:
    """What is known of the hosts that are fetched from, by name and port."""

    def __init__(self, per_host: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: per_host: turns at one host at the same time; clock: seconds."""
        self._per_host = per_host
        self._clock = clock
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def slot(self, host: str, until: float) -> AsyncIterator[None]:
        """One of the turns at a host.

        Args:
            host: whose turn it is.
            until: when to give up waiting for it, by the event loop's clock.

        Raises:
            UnreachableMedia: there was no turn in time, or the host rests.
        """
        known = self._host(host)
        known.users += 1
        try:
            await acquire_slot(known.slots, until)
            try:
                # Asked after the wait: those that were in line are turned away too when a host falls silent.
                self.check_available(host)
                yield
            finally:
                known.slots.release()
        finally:
            known.users -= 1

    def check_available(self, host: str) -> None:
        """Raises `UnreachableMedia` while a host rests."""
        known = self._hosts.get(host)
        if known and self._clock() < known.cooldown_until:
            raise UnreachableMedia(f"not tried, its host failed {MAX_HOST_FAILURES} times in a row just now")

    @contextmanager
    def record_outcome(self, host: str) -> Iterator[None]:
        """Notes whether the host answers what is asked of it meanwhile; any answer, be it 404, is a sign of life."""
        try:
            yield
        except aiohttp.ClientResponseError:
            self._record_success(host)
            raise
        except (aiohttp.ClientError, TimeoutError, OSError):
            self._record_failure(host)
            raise
        self._record_success(host)

    def _record_success(self, host: str) -> None:
        known = self._host(host)
        known.failures, known.cooldown_s, known.cooldown_until = 0, FIRST_COOLDOWN_S, 0.0

    def _record_failure(self, host: str) -> None:
        known = self._host(host)
        if self._clock() < known.cooldown_until:
            # Begun before the rest was.
            return
        known.failures += 1
        if known.failures >= MAX_HOST_FAILURES:
            # One failure short of its next rest: a host that is still down has a single try then.
            known.failures = MAX_HOST_FAILURES - 1
            known.cooldown_until = self._clock() + known.cooldown_s
            known.cooldown_s = min(2 * known.cooldown_s, MAX_COOLDOWN_S)

    def _host(self, host: str) -> _Host:
        if host not in self._hosts:
            if len(self._hosts) >= MAX_HOSTS:
                self._hosts = {name: one for name, one in self._hosts.items() if one.users}
            self._hosts[host] = _Host(asyncio.Semaphore(self._per_host))
        return self._hosts[host]


async def acquire_slot(turns: asyncio.Semaphore, until: float) -> None:
    """Acquire, or raise `UnreachableMedia` when there was no turn by then (the event loop's clock)."""
    try:
        async with asyncio.timeout_at(until):
            await turns.acquire()
    except TimeoutError as error:
        raise UnreachableMedia("not tried, too many others were before it") from error
