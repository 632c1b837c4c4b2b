"""Children that share one kind of work; one that ends is replaced when the next request comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from encoders.errors import WorkerProcessFailed, WorkerProcessUnavailable
from encoders.processes.worker import WorkerProcess

Answer = TypeVar("Answer")
REQUESTS_PER_WORKER: Final = 2
"""Requests that a child has at a time: one that it works on, and the next at hand."""
_CLOSED: Final = "the child processes were closed"


@dataclass(eq=False)
class _Slot:
    """Room for one child."""

    worker: WorkerProcess | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class WorkerPool:
    """Some children, and the requests among them: first come, first served.

    A caller that is cancelled leaves its request to be worked off, and its place taken until then.
    """

    def __init__(
        self, start: Callable[[], Awaitable[WorkerProcess]], size: int = 1, in_flight: int = REQUESTS_PER_WORKER
    ) -> None:
        """Args: start: starts one child; size: how many; in_flight: the most requests that one has at a time."""
        self._start_worker = start
        self._closed = False
        self._in_flight = in_flight
        self._slots = [_Slot() for _ in range(size)]
        self._free: asyncio.Queue[_Slot] = asyncio.Queue()
        for place in self._slots * in_flight:
            self._free.put_nowait(place)

    @property
    def pids(self) -> list[int]:
        """Process ids of the children that run."""
        return [place.worker.pid for place in self._slots if place.worker is not None and place.worker.alive]

    async def start(self) -> None:
        """Start all. Raises what starting one raises, with none left running."""
        try:
            await asyncio.gather(*(self._running_worker(place) for place in self._slots))
        except BaseException:
            await self.close()
            raise

    async def request(self, request: Any, parse: Callable[[bytes], Answer]) -> Answer:
        """Have the next free child answer, started anew if it has ended.

        Raises:
            WorkerProcessFailed: it died, was late, or `parse` refused its answer.
            WorkerProcessUnavailable: the crew is closed.
        """
        place = await self._free.get()
        try:
            child = await self._running_worker(place)
        except BaseException:
            self._free.put_nowait(place)
            raise
        answer = child.submit(request, parse)
        answer.add_done_callback(lambda done: self._release(place, done))
        try:
            return await asyncio.shield(answer)
        except WorkerProcessFailed as error:
            if self._closed:
                raise WorkerProcessUnavailable(_CLOSED) from error
            raise

    async def drain(self) -> None:
        """Wait until nothing is under way, and take no more requests: for a crew that is about to be closed."""
        for _ in range(len(self._slots) * self._in_flight):
            await self._free.get()

    async def close(self) -> None:
        """Kill all children; requests under way and to come fail."""
        self._closed = True
        await asyncio.gather(*(self._close_slot(place) for place in self._slots))

    async def _running_worker(self, place: _Slot) -> WorkerProcess:
        async with place.lock:
            if self._closed:
                raise WorkerProcessUnavailable(_CLOSED)
            if place.worker is None or not place.worker.alive:
                if place.worker is not None:
                    await place.worker.close()
                place.worker = await self._start_worker()
            return place.worker

    async def _close_slot(self, place: _Slot) -> None:
        async with place.lock:
            if place.worker is not None:
                await place.worker.close()

    def _release(self, place: _Slot, answer: asyncio.Future[Any]) -> None:
        self._free.put_nowait(place)
        # A caller that is gone hears of no failure, and nobody else needs to.
        answer.exception()
