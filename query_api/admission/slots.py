"""Slots for requests that are worked on, and a bounded queue before them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from math import inf
from time import monotonic

from query_api import metrics
from query_api.admission.adaptive_limit import AdaptiveLimit
from query_api.errors import TooBusy

BURST_S, BURST_WAITING = 0.5, 64
"""So many may wait if nobody did so long ago: a burst is worked off, and is no overload."""
MOMENT_S = 0.02
"""Nobody waits for just so long, when more are let in, while ever more come."""
LEAST_WAITING = 3
_OVERLOAD = metrics.REFUSED.labels("overload")


@dataclass(slots=True)
class Slot:
    """A request's place among those that are worked on."""

    kind: str
    """What it is compared with; may be changed while it is worked on, as one learns what it asks for."""


class Admission:
    """Lets so many requests be worked on at a time, and others wait, in order. For one event loop.

    A queue that has not been empty for `BURST_S`, a `MOMENT_S` left aside, is an overload: half as many may wait then
    as are worked on, those that have waited longest are refused, and so is who comes on top, at once. One that is
    cancelled, as its deadline is over or its client gone, leaves its place at once.

    Source: Maurer 2015, "Fail at Scale" (ACM Queue 13/8), after CoDel (Nichols, Jacobson 2012).
    """

    def __init__(self, concurrency: int = 0, most: int = 512, clock: Callable[[], float] = monotonic) -> None:
        """Args: concurrency: how many at a time; 0: as is found out, at most `most`."""
        self._fixed = concurrency
        self._adaptive = AdaptiveLimit(most, clock)
        self._clock = clock
        self._working = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._waiting_since = -inf
        """When somebody came to wait where nobody had for more than `MOMENT_S`."""
        self._waited_until = -inf
        """When nobody waited any more."""

    @property
    def limit(self) -> int:
        """How many may be worked on at a time."""
        return self._fixed or self._adaptive.value

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def refuses(self) -> bool:
        """Whether the next one is refused, which counts: to be asked before anything is done for it."""
        if self._working < self.limit or len(self._waiting) < self._most_waiting():
            return False
        self._adaptive.note_full()
        _OVERLOAD.inc()
        return True

    @asynccontextmanager
    async def slot(self, kind: str) -> AsyncGenerator[Slot]:
        """A slot, once there is one; where the request fails, how long it took counts for nothing.

        Raises:
            TooBusy: too many wait already, or have come since.
        """
        if self.refuses():
            raise TooBusy
        await self._enter()
        slot, began = Slot(kind), self._clock()
        try:
            yield slot
            self._adaptive.note(slot.kind, self._clock() - began)
        finally:
            self._leave()

    async def _enter(self) -> None:
        if self._working < self.limit and not self._waiting:
            self._working += 1
            return
        self._adaptive.note_full()
        if not self._waiting and self._clock() - self._waited_until > MOMENT_S:
            self._waiting_since = self._clock()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):
                    self._waiting.remove(turn)
                    self._waited_until = self._clock()
            elif turn.exception() is None:
                # Its turn came as it was cancelled.
                self._leave()
            raise

    def _leave(self) -> None:
        self._working -= 1
        while len(self._waiting) > self._most_waiting():
            self._end_wait(TooBusy())
        while self._waiting and self._working < self.limit:
            self._working += self._end_wait(None)

    def _end_wait(self, refusal: TooBusy | None) -> bool:
        """Give the one who has waited longest a slot, or refuse them; returns whether they were still there."""
        turn, self._waited_until = self._waiting.popleft(), self._clock()
        if turn.done():
            return False
        if refusal is None:
            turn.set_result(None)
        else:
            _OVERLOAD.inc()
            turn.set_exception(refusal)
        return True

    def _most_waiting(self) -> int:
        lasting = max(LEAST_WAITING, self.limit // 2)
        is_burst = self._clock() - self._waiting_since <= BURST_S
        return max(lasting, BURST_WAITING) if is_burst else lasting
