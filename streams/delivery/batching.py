"""Micro-batches: large when there is much to do, prompt when there is little."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streams.delivery.messages import Message


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is closed, and how many may be under way."""

    max_messages: int = 256
    """Messages in a batch, reached under lag only."""
    max_bytes: int = 16 * 2**20
    """A batch and what waits for the next are closed once they weigh as much."""
    overlap_messages: int = 64
    """So many messages are worth a batch of their own beside those under way."""
    linger_s: float = 0.25
    """How long the first of fewer messages waits for a batch that blocks the next one."""
    quiet_linger_s: float = 0.005
    """How long it waits for company when no batch blocks it."""
    max_in_flight: int = 3

    def __post_init__(self) -> None:
        if min(self.max_messages, self.max_bytes, self.overlap_messages, self.max_in_flight) < 1:
            raise ValueError("batch max_messages, max_bytes, overlap_messages and max_in_flight must be at least 1")
        if min(self.linger_s, self.quiet_linger_s) < 0:
            raise ValueError("batch lingers must be at least 0")


ReleaseNextBatch = Callable[[], None]
"""Called by a batch when the next one may start though this one is not done; its end releases the next one anyway."""
ProcessBatch = Callable[[list[Message], ReleaseNextBatch], Awaitable[None]]
"""Processes the messages of a batch."""


class MicroBatcher:
    """Collects messages into batches and hands them to `process`, several at a time.

    A batch blocks the next one from its start until it calls its `ReleaseNextBatch`. While none blocks, the next batch
    is what comes within a short linger. While one does, the next is what has come by its release; it starts before
    that when there is enough to overlap with it. So batches grow with the lag up to the limits, and shrink to single
    messages when it is quiet.

    `put` waits while the next batch is full: the pressure reaches whoever fetches.
    An exception out of `process` ends `run`: nothing of that batch may be acknowledged. For one event loop.
    """

    def __init__(self, limits: BatchLimits, process: ProcessBatch) -> None:
        self._limits = limits
        self._process = process
        self._waiting: deque[Message] = deque()
        self._waiting_bytes = 0
        self._waiting_since = 0.0
        self._arrived = asyncio.Event()
        self._start_now = asyncio.Event()
        self._has_room = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._slots = asyncio.Semaphore(limits.max_in_flight)
        self._under_way: set[asyncio.Task[None]] = set()
        self._blocking_next: set[object] = set()
        self._closed = False

    async def put(self, message: Message) -> None:
        """Add a message; waits while there is no room."""
        while self._is_full():
            self._has_room.clear()
            await self._has_room.wait()
        if not self._waiting:
            self._waiting_since = time.monotonic()
        self._waiting.append(message)
        self._waiting_bytes += _size(message)
        self._idle.clear()
        self._arrived.set()
        if self._is_worth_starting():
            self._start_now.set()

    async def run(self) -> None:
        """Batch and process until cancelled; batches under way are then cancelled too."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._arrived.wait()
                await self._linger()
                await self._slots.acquire()
                if not self._closed and (batch := self._take_batch()):
                    task = group.create_task(self._process_batch(batch))
                    self._under_way.add(task)
                    task.add_done_callback(self._on_batch_done)
                else:
                    self._slots.release()
                    self._arrived.clear()

    async def wait_until_idle(self) -> None:
        """Return when nothing waits and nothing is under way."""
        await self._idle.wait()

    async def drain(self) -> None:
        """Start no further batch, and return when those under way have finished."""
        self._closed = True
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _linger(self) -> None:
        """Wait until what waits is worth a batch, or has waited for company as long as it should."""
        while not self._is_worth_starting():
            linger_s = self._limits.linger_s if self._blocking_next else self._limits.quiet_linger_s
            left_s = self._waiting_since + linger_s - time.monotonic()
            if left_s <= 0:
                return
            self._start_now.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._start_now.wait()

    def _take_batch(self) -> list[Message]:
        batch: list[Message] = []
        size = 0
        while self._waiting and len(batch) < self._limits.max_messages and size < self._limits.max_bytes:
            batch.append(self._waiting.popleft())
            size += _size(batch[-1])
        self._waiting_bytes -= size
        self._waiting_since = time.monotonic()
        if not self._waiting:
            self._arrived.clear()
        if not self._is_full():
            self._has_room.set()
        return batch

    async def _process_batch(self, batch: list[Message]) -> None:
        def release_next_batch() -> None:
            self._blocking_next.discard(release_next_batch)
            if not self._blocking_next:
                self._start_now.set()

        self._blocking_next.add(release_next_batch)
        try:
            await self._process(batch, release_next_batch)
        finally:
            release_next_batch()
            self._slots.release()

    def _on_batch_done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not self._under_way and not self._waiting:
            self._idle.set()

    def _is_worth_starting(self) -> bool:
        return len(self._waiting) >= self._limits.overlap_messages or self._is_full()

    def _is_full(self) -> bool:
        return len(self._waiting) >= self._limits.max_messages or self._waiting_bytes >= self._limits.max_bytes


def _size(message: Message) -> int:
    return len(message.value or b"")
