"""Micro-batches: as many messages as arrive within a linger of the first, bounded by count and bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streams.messages import Message


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is closed, and how many may be under way."""

    count: int = 64
    bytes: int = 16 * 2**20
    linger_s: float = 0.03
    """How long the first message of a batch may wait for company."""
    in_flight: int = 2

    def __post_init__(self) -> None:
        if min(self.count, self.bytes, self.in_flight) < 1 or self.linger_s < 0:
            raise ValueError("batch count, bytes and in_flight must be at least 1, linger_s at least 0")


class MicroBatcher:
    """Collects messages into batches and hands them to `process`, several at a time.

    `put` waits when the batches under way and the next one are full: the pressure reaches whoever fetches.
    An exception out of `process` ends `run`: nothing of that batch may be acknowledged.
    """

    def __init__(self, limits: BatchLimits, process: Callable[[list[Message]], Awaitable[None]]) -> None:
        self._limits = limits
        self._process = process
        self._queue: asyncio.Queue[Message] = asyncio.Queue(limits.count)
        self._slots = asyncio.Semaphore(limits.in_flight)
        self._under_way: set[asyncio.Task[None]] = set()
        self._draining = False

    async def put(self, message: Message) -> None:
        """Add a message; waits while there is no room."""
        await self._queue.put(message)

    async def run(self) -> None:
        """Batch and process until cancelled; batches under way are then cancelled too."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._slots.acquire()
                batch = await self._collect()
                if self._draining:
                    return
                task = group.create_task(self._process_one(batch))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def drain(self) -> None:
        """Start no further batch, and return when those under way have finished."""
        self._draining = True
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _process_one(self, batch: list[Message]) -> None:
        try:
            await self._process(batch)
        finally:
            self._slots.release()

    async def _collect(self) -> list[Message]:
        batch = [await self._queue.get()]
        size = _size(batch[0])
        deadline = asyncio.get_running_loop().time() + self._limits.linger_s
        while len(batch) < self._limits.count and size < self._limits.bytes:
            try:
                async with asyncio.timeout_at(deadline):
                    message = await self._next()
            except TimeoutError:
                break
            batch.append(message)
            size += _size(message)
        return batch

    async def _next(self) -> Message:
        # A waiting message is taken even after the deadline: under lag batches are full.
        return self._queue.get_nowait() if not self._queue.empty() else await self._queue.get()


def _size(message: Message) -> int:
    return len(message.value or b"")
