"""Work that many ask for at once is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Flight(Generic[Result]):
    """Work under way, and how many wait for it."""

    task: asyncio.Task[Result]
    waiting: int = 0


class SingleFlight(Generic[Result]):
    """Calls of the same key share one piece of work. For one event loop.

    Who gives up takes nobody along; once all have, the work is cancelled. Its failure is the failure of all of them.

    Source: Go's `golang.org/x/sync/singleflight`.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[Result]] = {}

    async def join(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What the work under way for a key gives; with none, `work` is begun."""
        flight = self._flights.get(key)
        # One that has just ended may not know of what its caller asks for; its callback may be yet to run.
        if flight is None or flight.task.done():
            flight = self._flights[key] = _Flight(asyncio.create_task(work()))
            begun = flight
            flight.task.add_done_callback(lambda _: self._end(key, begun))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._end(key, flight)
                flight.task.cancel()

    def _end(self, key: Hashable, flight: _Flight[Result]) -> None:
        # Where all gave up, another one may be under way by now.
        if self._flights.get(key) is flight:
            del self._flights[key]
