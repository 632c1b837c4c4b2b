"""Children that share one kind of work; one that ends is replaced when the next request comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from encoders.children.child import Child
from encoders.errors import ChildFailed, ChildUnavailable

Answer = TypeVar("Answer")
IN_FLIGHT: Final = 2
"""Requests that a child has at a time: one that it works on, and the next at hand."""
_CLOSED: Final = "the child processes were closed"


@dataclass(eq=False)
class _Place:
    """Room for one child."""

    child: Child | None = None
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Crew:
    """Some children, and the requests among them: first come, first served.

    A caller that is cancelled leaves its request to be worked off, and its place taken until then.
    """

    def __init__(self, start: Callable[[], Awaitable[Child]], size: int = 1, in_flight: int = IN_FLIGHT) -> None:
        """Args: start: starts one child; size: how many; in_flight: the most requests that one has at a time."""
        self._start_one = start
        self._closed = False
        self._in_flight = in_flight
        self._places = [_Place() for _ in range(size)]
        self._free: asyncio.Queue[_Place] = asyncio.Queue()
        for place in self._places * in_flight:
            self._free.put_nowait(place)

    @property
    def pids(self) -> list[int]:
        """Process ids of the children that run."""
        return [place.child.pid for place in self._places if place.child is not None and place.child.alive]

    async def start(self) -> None:
        """Start all. Raises what starting one raises, with none left running."""
        try:
            await asyncio.gather(*(self._running(place) for place in self._places))
        except BaseException:
            await self.close()
            raise

    async def ask(self, request: Any, parse: Callable[[bytes], Answer]) -> Answer:
        """Have the next free child answer, started anew if it has ended.

        Raises:
            ChildFailed: it died, was late, or `parse` refused its answer.
            ChildUnavailable: the crew is closed.
        """
        place = await self._free.get()
        try:
            child = await self._running(place)
        except BaseException:
            self._free.put_nowait(place)
            raise
        answer = child.submit(request, parse)
        answer.add_done_callback(lambda done: self._answered(place, done))
        try:
            return await asyncio.shield(answer)
        except ChildFailed as error:
            if self._closed:
                raise ChildUnavailable(_CLOSED) from error
            raise

    async def idle(self) -> None:
        """Wait until nothing is under way, and take no more requests: for a crew that is about to be closed."""
        for _ in range(len(self._places) * self._in_flight):
            await self._free.get()

    async def close(self) -> None:
        """Kill all children; requests under way and to come fail."""
        self._closed = True
        await asyncio.gather(*(self._vacate(place) for place in self._places))

    async def _running(self, place: _Place) -> Child:
        async with place.changing:
            if self._closed:
                raise ChildUnavailable(_CLOSED)
            if place.child is None or not place.child.alive:
                if place.child is not None:
                    await place.child.close()
                place.child = await self._start_one()
            return place.child

    async def _vacate(self, place: _Place) -> None:
        async with place.changing:
            if place.child is not None:
                await place.child.close()

    def _answered(self, place: _Place, answer: asyncio.Future[Any]) -> None:
        self._free.put_nowait(place)
        # A caller that is gone hears of no failure, and nobody else needs to.
        answer.exception()
