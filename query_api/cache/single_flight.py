"""Work that many ask for at once is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


@dataclass(slots=True)
class _Flight(Generic[Result]):
    task: asyncio.Task[Result]
    waiting: int = 0
    """Calls that wait for it."""


class SingleFlight(Generic[Result]):
    """Calls of the same key share one piece of work, which goes on while one of them waits. For one event loop.

    Its failure is the failure of all of them.

    Source: Go's `golang.org/x/sync/singleflight`.
    """

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Flight[Result]] = {}

    async def join(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What the work under way for a key gives; with none, `work` is begun."""
        flight = self._under_way.get(key)
        if flight is None:
            flight = self._under_way[key] = _Flight(asyncio.create_task(work()))
            flight.task.add_done_callback(lambda ended: self._end(key, ended))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                # Who comes from here on begins anew.
                del self._under_way[key]
                flight.task.cancel()

    def _end(self, key: Hashable, task: asyncio.Task[Result]) -> None:
        flight = self._under_way.get(key)
        if flight is not None and flight.task is task:
            del self._under_way[key]
        if not task.cancelled():
            # Should nobody be left to hear of it, that is no mistake.
            task.exception()
