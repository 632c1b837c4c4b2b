"""The host limiter: so many requests at once to each host, and none for a while to one that does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import aiohttp

from streams.errors import UnreachableMedia

MAX_HOST_FAILURES = 4
"""After so many requests in a row without an answer, a host is left alone for its cooldown."""
FIRST_COOLDOWN_S, MAX_COOLDOWN_S = 1.0, 30.0
"""The cooldown doubles each time that the host is still silent, so that a short silence costs no late retry."""
MAX_HOSTS = 10_000
"""How many hosts are known at once: whoever sends events chooses their names, so there may be any number."""


@dataclass(slots=True)
class _Host:
    slots: asyncio.Semaphore
    users: int = 0
    failures: int = 0
    cooldown_s: float = FIRST_COOLDOWN_S
    """How long its next cooldown takes."""
    cooldown_until: float = field(default=0.0)


class HostLimiter:
    """Limits what is asked of hosts, each a name and port. For one event loop."""

    def __init__(self, per_host: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: per_host: requests to one host at the same time; clock: in seconds, never set back."""
        self._per_host = per_host
        self._clock = clock
        self._hosts: dict[str, _Host] = {}

    def __len__(self) -> int:
        """How many hosts are known."""
        return len(self._hosts)

    @asynccontextmanager
    async def slot(self, host: str, until: float) -> AsyncGenerator[None]:
        """Hold one of the slots of a host.

        Args:
            host: its name and port.
            until: when to give up waiting for a slot, in seconds of the event loop's clock.

        Raises:
            UnreachableMedia: there was no slot in time, or the host is cooling down.
        """
        known = self._host(host)
        known.users += 1
        try:
            await acquire_slot(known.slots, until)
            try:
                # After the wait, so that those in line are turned away too when a host falls silent.
                self.check_available(host)
                yield
            finally:
                known.slots.release()
        finally:
            known.users -= 1

    def check_available(self, host: str) -> None:
        """Raises `UnreachableMedia` while a host is cooling down."""
        known = self._hosts.get(host)
        if known and self._clock() < known.cooldown_until:
            raise UnreachableMedia(f"not tried, its host failed {MAX_HOST_FAILURES} times in a row just now")

    @contextmanager
    def record_outcome(self, host: str) -> Generator[None]:
        """Note whether the host answers a request made within the context; any answer, be it 404, is a sign of life."""
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
            # The request began before the cooldown.
            return
        known.failures += 1
        if known.failures >= MAX_HOST_FAILURES:
            # One failure short of the next cooldown: after this one, a host that is still down has a single try.
            known.failures = MAX_HOST_FAILURES - 1
            known.cooldown_until = self._clock() + known.cooldown_s
            known.cooldown_s = min(2 * known.cooldown_s, MAX_COOLDOWN_S)

    def _host(self, host: str) -> _Host:
        if host not in self._hosts:
            if len(self._hosts) >= MAX_HOSTS:
                self._hosts = {name: state for name, state in self._hosts.items() if state.users}
            self._hosts[host] = _Host(asyncio.Semaphore(self._per_host))
        return self._hosts[host]


async def acquire_slot(slots: asyncio.Semaphore, until: float) -> None:
    """Acquire a slot. Raises `UnreachableMedia` when there is none by `until`, in seconds of the event loop's clock."""
    try:
        async with asyncio.timeout_at(until):
            await slots.acquire()
    except TimeoutError as error:
        raise UnreachableMedia("not tried, too many others were before it") from error
