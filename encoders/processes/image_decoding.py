"""Pictures decoded in worker processes, where a crash or a memory bomb of a native decoder harms nothing else."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from encoders.errors import InvalidImage, WorkerProcessFailed, WorkerProcessUnavailable
from encoders.inference.runtime import usable_cores
from encoders.liveness.progress import within_deadline
from encoders.media.images import decode_and_prepare
from encoders.media.preparation import ImagePreparer
from encoders.packages import require
from encoders.processes.environment import SMALL_PROCESS
from encoders.processes.fair_queue import DecodeCall, DecodeOutcome, FairQueue, QueuedPicture
from encoders.processes.messages import DecodePictures, ImageDecodingSetup, picture_from_message
from encoders.processes.pixel_memory import PixelMemory, make_pixel_memory
from encoders.processes.pixel_slots import PixelSlots, slots_for
from encoders.processes.pool import REQUESTS_PER_WORKER, WorkerPool, start_decoder
from encoders.processes.waiting_share import WINDOW_S, WaitingShare
from encoders.processes.worker import WorkerProcess, WorkerProgram

_CPU_WORKER_MODULE, _DEVICE_WORKER_MODULE = "encoders.workers.images", "encoders.workers.device_images"
_START_DEADLINE_S: Final = 60.0
_MOST_ON_A_DEVICE: Final = 2
"""Each process takes its part of the device's memory, and the device computes for one at a time."""

log = logging.getLogger(__name__)

_ANSWERS: Final = msgspec.msgpack.Decoder(list[tuple[int, int, bytearray | None] | str])


@dataclass(frozen=True, slots=True)
class DecodingConfig:
    """The processes that decode pictures."""

    processes: int = 8
    """The most processes, and no more than cores that may be used, or two on a GPU: there is one, and one more whenever
    pictures wait for most of the time."""
    deadline_s: float = 5.0
    """The longest that one chunk of pictures may take, in seconds."""
    device: str = "cpu"
    """`cuda`: plain JPEGs are decoded and resized on the GPU, where the indexing worker has one to itself."""
    memory_bytes: int = 2**28
    """The most memory that each process takes at its peak. A picture whose header says that it needs more is refused
    before it is decoded; on Linux the kernel refuses more too, save to a process that uses a GPU."""

    def __post_init__(self) -> None:
        if self.processes < 1:
            raise ValueError(f"decoding.processes must be at least 1, not {self.processes}")
        if self.deadline_s <= 0:
            raise ValueError(f"decoding.deadline_s must be above 0, not {self.deadline_s:g}")
        if self.memory_bytes < 2**27:
            raise ValueError(f"decoding.memory_bytes must be at least {2**27}, not {self.memory_bytes}")


class ImageDecoderPool:
    """Decodes pictures in worker processes, for many callers at once; an async context manager.

    Pictures are sent in chunks, taken fairly from all callers. When a worker dies, is late or answers nonsense, the
    pictures of its chunk are tried again one by one in a separate worker, so that only the culprit is refused.
    """

    def __init__(
        self,
        preparer: ImagePreparer,
        config: DecodingConfig | None = None,
        memory: PixelMemory | None = None,
        niceness: int = 0,
    ) -> None:
        """Take down what to run; entering the context starts it.

        Args:
            preparer: Makes the model's input of a decoded picture; must be picklable.
            memory: For pixels, which the encoder reads too; None: it makes its own.
            niceness: By how much processes on the CPU give way to others.

        Raises:
            MissingPackage: pictures are to be decoded on a GPU, and torch is not installed.
        """
        self._config = config or DecodingConfig()
        if self._config.device != "cpu":
            require(f"decoding.device = {self._config.device}", "torch", "torchvision")
        self._program = WorkerProgram(
            name="image decoder",
            module=_CPU_WORKER_MODULE if self._config.device == "cpu" else _DEVICE_WORKER_MODULE,
            setup_message=ImageDecodingSetup(
                self._config.memory_bytes, pickle.dumps(preparer), self._config.device, niceness=niceness
            ),
            deadline_s=self._config.deadline_s,
            start_deadline_s=_START_DEADLINE_S,
            environment=SMALL_PROCESS,
        )
        self._preparer = preparer
        self._memory = memory
        self._slots: PixelSlots | None = None
        self._pool = WorkerPool(self._start)
        self._most = min(self._config.processes, usable_cores() if self._config.device == "cpu" else _MOST_ON_A_DEVICE)
        self._waiting: WaitingShare | None = None
        self._resizing: asyncio.Task[None] | None = None
        self._suspects = WorkerPool(self._start, in_flight=1)
        self._queue = FairQueue()
        self._chunk_tasks: set[asyncio.Task[None]] = set()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return [*self._pool.pids, *self._suspects.pids]

    def silent_s(self) -> float:
        """For how long it has been without an answer to what it was asked, in seconds; 0 while it is idle."""
        return max(self._pool.silent_s(), self._suspects.silent_s())

    def starting_s(self) -> float:
        """For how long it is being started, in seconds; 0 while it is not."""
        return max(self._pool.starting_s(), self._suspects.starting_s())

    async def __aenter__(self) -> ImageDecoderPool:
        self._slots = slots_for(self._preparer, self._memory or make_pixel_memory())
        if self._slots is not None:
            setup = msgspec.structs.replace(self._program.setup_message, slots=self._slots.setup)
            descriptors = (self._slots.setup.descriptor,)
            self._program = replace(self._program, setup_message=setup, descriptors=descriptors)
        await self._pool.start()
        if self._most > 1:
            self._resizing = asyncio.create_task(self._resize())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._resizing is not None:
            self._resizing.cancel()
        await asyncio.gather(self._pool.close(), self._suspects.close())
        while self._chunk_tasks:
            await asyncio.wait(self._chunk_tasks)
        self._slots = None

    async def decode(self, images: Sequence[bytes]) -> list[DecodeOutcome]:
        """Decode and prepare whole files.

        Returns:
            For each file its picture (height, width, 3) uint8, or why there is none.

        Raises:
            WorkerProcessUnavailable: there was no process to decode in.
        """
        call = DecodeCall(images)
        if not images:
            return []
        self._queue.add(call)
        # Not at once: calls made in the same iteration of the event loop share chunks.
        asyncio.get_running_loop().call_soon(self._dispatch)
        try:
            # Each chunk of it is answered, or given up, in time.
            with within_deadline():
                await call.finished
        finally:
            self._queue.remove(call)
        return call.outcomes

    def _dispatch(self) -> None:
        """Send chunks until the queue is empty or every worker has all the requests that it takes."""
        processes = self._pool.size
        while self._queue and len(self._chunk_tasks) < processes * REQUESTS_PER_WORKER:
            task = asyncio.create_task(self._process_chunk(self._queue.next_chunk(processes)))
            self._chunk_tasks.add(task)
            task.add_done_callback(self._chunk_done)
        if self._waiting is not None:
            self._waiting.note(asyncio.get_running_loop().time(), bool(self._queue))

    def _chunk_done(self, task: asyncio.Task[None]) -> None:
        self._chunk_tasks.discard(task)
        self._dispatch()

    async def _resize(self) -> None:
        """Keep as many processes as pictures need, until cancelled."""
        self._waiting = waiting = WaitingShare(asyncio.get_running_loop().time())
        while True:
            await asyncio.sleep(WINDOW_S)
            step = waiting.step(asyncio.get_running_loop().time())
            try:
                if step > 0 and self._pool.size < self._most:
                    await self._pool.grow()
                    self._dispatch()
                elif step < 0:
                    await self._pool.shrink()
            except WorkerProcessUnavailable as error:
                log.warning("decoder_not_started", extra={"error": str(error)[:300]})

    async def _process_chunk(self, chunk: list[QueuedPicture]) -> None:
        try:
            await self._decode(chunk)
        except Exception as error:
            for part in chunk:
                part.call.fail(error)

    async def _decode(self, chunk: list[QueuedPicture]) -> None:
        try:
            outcomes = await self._request(self._pool, [part.data for part in chunk])
        except WorkerProcessFailed:
            for part in chunk:
                part.call.set_outcome(part.index, await self._decode_alone(part.data))
            return
        for part, outcome in zip(chunk, outcomes, strict=True):
            part.call.set_outcome(part.index, outcome)

    async def _decode_alone(self, data: bytes) -> DecodeOutcome:
        try:
            return (await self._request(self._suspects, [data]))[0]
        except WorkerProcessFailed as error:
            return InvalidImage(f"image of {len(data)} bytes cannot be decoded: the decoder {error.reason}")

    async def _request(self, pool: WorkerPool, files: list[bytes]) -> list[DecodeOutcome]:
        slots = [self._slots.take() if self._slots is not None else None for _ in files]
        try:
            answer = await pool.request(DecodePictures(files, slots), lambda answer: _parse(answer, self._slots, slots))
        finally:
            # Those that hold no pixels. What failed has ended the process that could still write into them.
            if self._slots is not None:
                self._slots.give_back(slots)
        return answer

    async def _start(self) -> WorkerProcess:
        return await start_decoder(self._program)


class InProcessImageDecoder:
    """Decodes pictures in a thread of this process, which a bad file can end: for trusted pictures and for tests."""

    def __init__(self, preparer: ImagePreparer) -> None:
        self._preparer = preparer

    async def decode(self, images: Sequence[bytes]) -> list[DecodeOutcome]:
        """Decode and prepare whole files, each to its picture (height, width, 3) uint8 or to why there is none."""
        return await asyncio.to_thread(lambda: [self._outcome(data) for data in images])

    def _outcome(self, data: bytes) -> DecodeOutcome:
        try:
            return decode_and_prepare(data, self._preparer)
        except InvalidImage as error:
            return error


def _parse(answer: bytes, memory: PixelSlots | None, slots: list[int | None]) -> list[DecodeOutcome]:
    """The outcome of each picture; slots that hold pixels now are taken out of the list.

    Raises:
        ValueError: it is no answer to so many pictures, or names a slot that there is not.
    """
    outcomes = _ANSWERS.decode(answer)
    if len(outcomes) != len(slots):
        raise ValueError(f"{len(outcomes)} answers to {len(slots)} pictures")
    return [_outcome(outcome, memory, slots, at) for at, outcome in enumerate(outcomes)]


def _outcome(
    outcome: tuple[int, int, bytearray | None] | str, memory: PixelSlots | None, slots: list[int | None], at: int
) -> DecodeOutcome:
    if isinstance(outcome, str):
        return InvalidImage(outcome)
    height, width, levels = outcome
    if levels is not None:
        return picture_from_message((height, width, levels))
    slot = slots[at]
    if memory is None or slot is None:
        raise ValueError("pixels are said to be in a slot that nobody gave")
    pixels, slots[at] = memory.pixels(slot, height, width), None
    return pixels
