"""How often somebody may ask: sliding windows, counted here and shared between workers in the background.

A request costs a look into a dict. Every `SYNC_S` what was counted is added to the counters that all workers share, all
callers in one round trip, and the sums come back: workers together let through at most what each of them gets within
`SYNC_S` over the rate. While the counters are away each worker counts for itself. Asking Redis within each request, by
the `limits` library's storage, took 100 to 150 µs of CPU; this takes 4.

Source: the sliding window counter, as the `limits` library and Cloudflare (2017, "How we built rate limiting capable of
scaling to millions of domains") have it: the window before counts for the share of it that is still within reach.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from limits import RateLimitItem, parse_many

from indexer.errors import StoreUnavailable
from query_api.errors import InvalidAccess

log = logging.getLogger(__name__)

SYNC_S = 0.1
MAX_CALLERS = 20_000
"""Whose requests are counted: those that asked last; each takes some 300 bytes a rate."""


class SharedCounts(Protocol):
    """Counters of all workers. Raises `StoreUnavailable`."""

    async def add(self, increments: Mapping[str, tuple[int, int]]) -> dict[str, int]:
        """Add to counters; by counter, how much and for how many seconds it is kept. Returns their values."""
        ...


@dataclass(frozen=True, slots=True)
class _Rate:
    """So many requests within so long."""

    length_s: int
    amount: int


@dataclass(slots=True)
class _Window:
    """Requests of one caller under one rate."""

    number: int
    """Of the window: the time by its length."""
    shared: int = 0
    """Within it by all workers, as far as is known."""
    unshared: int = 0
    """Within it here, not told yet."""
    former: int = 0
    """Within the window before."""


class RateLimiter:
    """Counts requests by caller. For one event loop."""

    def __init__(
        self, kind: str, rates: str, counts: SharedCounts | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """Args: kind: of callers, such as `key`; rates: as `parse_rates` takes them; counts: None: for itself."""
        self._kind = kind
        # Asked of the library each time, a rate's length is a tenth of what a request costs here.
        self._rates = tuple(_Rate(rate.get_expiry(), rate.amount) for rate in parse_rates(rates))
        self._counts = counts
        self._clock = clock
        self._windows: OrderedDict[tuple[str, int], _Window] = OrderedDict()
        self._untold: dict[tuple[str, int, int], int] = {}
        self._is_away = False
        self._counted = asyncio.Event()

    def take(self, caller: str) -> float:
        """Count a request; 0, or after how many seconds it may be made. What is refused does not count."""
        now = self._clock()
        windows: list[_Window] = []
        wait_s = 0.0
        for at, rate in enumerate(self._rates):
            window = self._window(caller, at, now)
            windows.append(window)
            wait_s = max(wait_s, _wait_s(rate, window, now))
        if wait_s <= 0:
            for at, window in enumerate(windows):
                window.unshared += 1
                key = (caller, at, window.number)
                self._untold[key] = self._untold.get(key, 0) + 1
            self._counted.set()
        return wait_s

    async def run(self) -> None:
        """Share counts until cancelled; while nobody asks, nothing wakes."""
        while True:
            await self._counted.wait()
            self._counted.clear()
            await asyncio.sleep(SYNC_S)
            await self.share()

    async def share(self) -> None:
        """Tell the other workers once what was counted, and learn what they did."""
        told, self._untold = self._untold, {}
        if self._counts is None or not told:
            return
        names = {self._name(*key): key for key in told}
        increments = {name: (told[key], 2 * self._rates[key[1]].length_s + 1) for name, key in names.items()}
        try:
            sums = await self._counts.add(increments)
        except StoreUnavailable as error:
            if not self._is_away:
                log.warning("rate_counts_away", extra={"error": str(error)[:300]})
            self._is_away = True
            return
        self._is_away = False
        for name, total in sums.items():
            self._learn(names[name], told[names[name]], total)

    def _learn(self, key: tuple[str, int, int], told: int, total: int) -> None:
        caller, at, number = key
        window = self._windows.get((caller, at))
        if window is None:
            return
        if window.number == number:
            window.unshared = max(0, window.unshared - told)
            window.shared = max(total, window.shared)
        elif window.number == number + 1:
            window.former = max(window.former, total)

    def _window(self, caller: str, at: int, now: float) -> _Window:
        key = (caller, at)
        number = int(now // self._rates[at].length_s)
        window = self._windows.get(key)
        if window is None or window.number != number:
            is_next = window is not None and window.number == number - 1
            former = window.shared + window.unshared if window is not None and is_next else 0
            window = self._windows[key] = _Window(number, former=former)
        self._windows.move_to_end(key)
        while len(self._windows) > MAX_CALLERS * max(1, len(self._rates)):
            self._windows.popitem(last=False)
        return window

    def _name(self, caller: str, at: int, number: int) -> str:
        # Who it is has no business in Redis.
        digest = hashlib.blake2b(caller.encode(), digest_size=12).hexdigest()
        return f"vitrine:rate:{self._kind}:{digest}:{self._rates[at].length_s}:{number}"


def parse_rates(text: str) -> tuple[RateLimitItem, ...]:
    """Rates such as `100/second;5000/minute`. Raises `InvalidAccess`."""
    try:
        rates = tuple(parse_many(text)) if text else ()
    except ValueError:
        raise InvalidAccess(f"{text!r} is no rate; write one as 100/second or 5000/minute;100000/day") from None
    if any(rate.amount < 1 for rate in rates):
        raise InvalidAccess(f"{text!r} lets nobody ask; leave it empty for no limit")
    return rates


def _wait_s(rate: _Rate, window: _Window, now: float) -> float:
    """After how many seconds a request is within the rate; 0: now."""
    length = rate.length_s
    passed = now / length - math.floor(now / length)
    present = window.shared + window.unshared
    if window.former * (1 - passed) + present + 1 <= rate.amount:
        return 0.0
    if present + 1 > rate.amount:
        # Not before this window is the former one, and counts for less and less.
        return length * (1 - passed) + length * max(0.0, 1 - (rate.amount - 1) / present)
    return length * (1 - (rate.amount - present - 1) / window.former - passed)
