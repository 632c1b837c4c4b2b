"""Slots for requests that are worked on, and a bounded queue before them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic

from query_api import metrics
from query_api.admission.adaptive_limit import AdaptiveLimit
from query_api.errors import TooBusy

LEAST_WAITING = 2


@dataclass(slots=True)
class Slot:
    """A request's place among those that are worked on."""

    kind: str
    """What it is compared with; may be changed while it is worked on, as one learns what it asks for."""


class Admission:
    """Lets so many requests be worked on at a time, and half as many wait, in order. For one event loop.

    One that is cancelled, as its deadline is over or its client gone, leaves its place at once.
    """

    def __init__(self, concurrency: int = 0, most: int = 512, clock: Callable[[], float] = monotonic) -> None:
        """Args: concurrency: how many at a time; 0: as is found out, at most `most`."""
        self._fixed = concurrency
        self._adaptive = AdaptiveLimit(most, clock)
        self._clock = clock
        self._working = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """How many may be worked on at a time."""
        return self._fixed or self._adaptive.value

    @property
    def is_full(self) -> bool:
        """Whether the next one would be refused."""
        limit = self.limit
        return self._working >= limit and len(self._waiting) >= max(LEAST_WAITING, limit // 2)

    def check(self) -> None:
        """Raises `TooBusy` where the next one would be refused: to be asked before anything is done for it."""
        if self.is_full:
            self._adaptive.note_full()
            metrics.REFUSED.labels("overload").inc()
            raise TooBusy

    @asynccontextmanager
    async def slot(self, kind: str) -> AsyncGenerator[Slot]:
        """A slot, once there is one; where the request fails, how long it took counts for nothing.

        Raises:
            TooBusy: as many wait already.
        """
        self.check()
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
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # Its turn came as it was cancelled.
                self._leave()
            else:
                with suppress(ValueError):
                    self._waiting.remove(turn)
            raise

    def _leave(self) -> None:
        self._working -= 1
        while self._waiting and self._working < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._working += 1
                turn.set_result(None)
