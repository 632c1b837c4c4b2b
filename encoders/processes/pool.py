"""A pool of worker processes that run the same program; one that ends is replaced when a request needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from encoders.errors import WorkerProcessFailed, WorkerProcessUnavailable
from encoders.liveness.progress import within_deadline
from encoders.processes.messages import DecoderReady
from encoders.processes.worker import WorkerProcess, WorkerProgram

Answer = TypeVar("Answer")
REQUESTS_PER_WORKER: Final = 2
"""Requests that a worker has at a time: one that it works on, and the next one, already sent."""
_CLOSED: Final = "the worker processes were closed"
_READY: Final = msgspec.msgpack.Decoder(DecoderReady)


@dataclass(eq=False)
class _Slot:
    """Room for one worker; the lock is held while it is started or closed."""

    worker: WorkerProcess | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    starting_since: float | None = None
    """When its worker was begun to be started, in seconds of the loop's clock; None: none is being started."""


class WorkerPool:
    """Worker processes, and the requests to them: first come, first served. For one event loop.

    The request of a cancelled caller is still computed, and counts as one of its worker's requests until then.
    """

    def __init__(
        self, start: Callable[[], Awaitable[WorkerProcess]], size: int = 1, in_flight: int = REQUESTS_PER_WORKER
    ) -> None:
        """Take down how to start workers; none runs yet.

        Args:
            start: starts one worker.
            size: how many workers there are, until `grow` and `shrink` change it.
            in_flight: the most requests that a worker has at a time.
        """
        self._start_worker = start
        self._closed = False
        self._in_flight = in_flight
        self._slots = [_Slot() for _ in range(size)]
        self._free: asyncio.Queue[_Slot] = asyncio.Queue()
        for slot in self._slots * in_flight:
            self._free.put_nowait(slot)

    @property
    def size(self) -> int:
        """How many workers there are, or are being started."""
        return len(self._slots)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return [slot.worker.pid for slot in self._slots if slot.worker is not None and slot.worker.alive]

    def silent_s(self) -> float:
        """For how long the slowest worker has been without an answer to what it was asked; 0 while all are idle."""
        return max((slot.worker.silent_s() for slot in self._slots if slot.worker is not None), default=0.0)

    def starting_s(self) -> float:
        """For how long a worker is being started, in seconds; 0 while none is."""
        since = [slot.starting_since for slot in self._slots if slot.starting_since is not None]
        return asyncio.get_running_loop().time() - min(since) if since else 0.0

    async def start(self) -> None:
        """Start all workers. Raises what starting one of them raises; none is left running then."""
        try:
            await asyncio.gather(*(self._running_worker(slot) for slot in self._slots))
        except BaseException:
            await self.close()
            raise

    async def grow(self) -> None:
        """Start one more worker, which takes requests once it is ready. Raises what starting it raises."""
        slot = _Slot()
        # Known before it runs, so that closing ends it too.
        self._slots.append(slot)
        try:
            await self._running_worker(slot)
        except BaseException:
            self._slots.remove(slot)
            raise
        for _ in range(self._in_flight):
            self._free.put_nowait(slot)

    async def shrink(self) -> None:
        """End a worker that has nothing to do; where there is none, or just one worker, nothing happens."""
        free = [self._free.get_nowait() for _ in range(self._free.qsize())]
        idle = [slot for slot in self._slots if free.count(slot) == self._in_flight]
        leaving = idle[-1] if idle and len(self._slots) > 1 else None
        for slot in free:
            if slot is not leaving:
                self._free.put_nowait(slot)
        if leaving is not None:
            self._slots.remove(leaving)
            await self._close_slot(leaving)

    async def request(self, request: Any, parse: Callable[[bytes], Answer]) -> Answer:
        """Send a request to the next free worker, started where it does not run, and wait for its answer.

        Args:
            request: what msgspec can encode.
            parse: makes the result of the answer's bytes.

        Raises:
            WorkerProcessFailed: the worker died, was late, or `parse` raised.
            WorkerProcessUnavailable: no worker could be started, or the pool is closed.
        """
        # An answer, a start, and so the end of those before: all of it has deadlines.
        with within_deadline():
            return await self._request(request, parse)

    async def _request(self, request: Any, parse: Callable[[bytes], Answer]) -> Answer:
        slot = await self._free.get()
        try:
            worker = await self._running_worker(slot)
        except BaseException:
            self._free.put_nowait(slot)
            raise
        answer = worker.submit(request, parse)
        answer.add_done_callback(lambda done: self._release(slot, done))
        try:
            return await asyncio.shield(answer)
        except WorkerProcessFailed as error:
            if self._closed:
                raise WorkerProcessUnavailable(_CLOSED) from error
            raise

    async def drain(self) -> None:
        """Wait until no request is under way, and take no more: call it before `close`."""
        for _ in range(len(self._slots) * self._in_flight):
            await self._free.get()

    async def close(self) -> None:
        """Kill all workers; requests under way and later ones fail."""
        self._closed = True
        await asyncio.gather(*(self._close_slot(slot) for slot in self._slots))

    async def _running_worker(self, slot: _Slot) -> WorkerProcess:
        async with slot.lock:
            if self._closed:
                raise WorkerProcessUnavailable(_CLOSED)
            if slot.worker is None or not slot.worker.alive:
                if slot.worker is not None:
                    await slot.worker.close()
                slot.starting_since = asyncio.get_running_loop().time()
                try:
                    slot.worker = await self._start_worker()
                finally:
                    slot.starting_since = None
            return slot.worker

    async def _close_slot(self, slot: _Slot) -> None:
        async with slot.lock:
            if slot.worker is not None:
                await slot.worker.close()

    def _release(self, slot: _Slot, answer: asyncio.Future[Any]) -> None:
        self._free.put_nowait(slot)
        # Marks a failure as seen: asyncio would warn of it where the caller is gone.
        answer.exception()


async def start_decoder(program: WorkerProgram) -> WorkerProcess:
    """Start a process that decodes files. Raises `WorkerProcessUnavailable`."""
    worker = await WorkerProcess.start(program)
    try:
        worker.note_unconfined(_READY.decode(worker.ready_message).missing)
    except msgspec.MsgspecError as error:
        await worker.close()
        raise WorkerProcessUnavailable(f"the {worker} said something else than that it is ready") from error
    return worker
