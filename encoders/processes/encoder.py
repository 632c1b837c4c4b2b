"""Encoders for an event loop: in a worker process, or in a thread of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np

from encoders.errors import SpecMismatch, WorkerProcessUnavailable
from encoders.inference.runtime import Runtime
from encoders.media.preparation import Preparer
from encoders.port import Encoder, Pixels, as_joint_encoder
from encoders.processes.messages import (
    EncodedRows,
    EncodeParts,
    EncodeProducts,
    EncoderReady,
    EncoderSetup,
    ErrorMessage,
    picture_to_message,
    texts_to_message,
)
from encoders.processes.pixel_memory import PixelMemory, make_pixel_memory
from encoders.processes.pool import WorkerPool
from encoders.processes.worker import WorkerProcess, WorkerProgram
from encoders.prompts import Prompts
from encoders.spec import EmbeddingSpec, FloatArray

ONE_ARENA: Final = {"MALLOC_ARENA_MAX": "1"}
"""glibc keeps a heap for each thread, which never shrinks below the largest batch. One for all threads of the worker,
of which just one computes, is enough."""

PICTURES_PER_REQUEST: Final = 64
"""Pictures in one request: one pass through the model, some 10 MB. With more, the worker's memory would grow."""

_READY: Final = msgspec.msgpack.Decoder(EncoderReady | ErrorMessage)
_ANSWER: Final = msgspec.msgpack.Decoder(EncodedRows | ErrorMessage)


class EncoderProcess:
    """An encoder in a worker process, so that nothing else needs its device and its GIL; an async context manager.

    The worker has up to two batches: it computes one while the next is sent, so that the device never waits. When the
    worker dies, the next batch starts another one, and waits until the model is loaded again.
    """

    def __init__(
        self, name: str, runtime: Runtime | str = "auto", deadline_s: float = 60.0, start_deadline_s: float = 900.0
    ) -> None:
        """Note what to run; entering the context loads it.

        Args:
            name: As `load_encoder` takes it.
            runtime: As `load_encoder` takes it.
            deadline_s: The longest that one batch may take on the device.
            start_deadline_s: The longest that loading may take, which may fetch the model first.
        """
        self._program = WorkerProgram(
            name=f"encoder {name!r}",
            module="encoders.workers.encoder",
            setup_message=EncoderSetup(name, Runtime(runtime) if isinstance(runtime, str) else runtime),
            deadline_s=deadline_s,
            start_deadline_s=start_deadline_s,
            inheritance="model",
            environment=ONE_ARENA,
        )
        self.deadline_s = deadline_s
        """The longest that one batch may take, in seconds."""
        self.memory: PixelMemory | None = None
        """Where pictures may be that it is given, while entered: they are read there, all others are sent."""
        self.device_s = 0.0
        """For how long its device has computed, in seconds."""
        self._pool = WorkerPool(self._start)
        self._ready: EncoderReady | None = None

    @property
    def spec(self) -> EmbeddingSpec:
        """The space its vectors live in."""
        return self._loaded.spec

    @property
    def preparer(self) -> Preparer:
        """Resizes and crops decoded pictures to the model's input, in any thread or process."""
        return self._loaded.preparer

    @property
    def prompts(self) -> Prompts:
        """What its callers put before queries and before products' texts."""
        return self._loaded.prompts

    @property
    def pid(self) -> int:
        """The worker's process id. Raises `WorkerProcessUnavailable` while none runs."""
        pids = self._pool.pids
        if not pids:
            raise WorkerProcessUnavailable(f"the {self._program.name} has no process just now")
        return pids[0]

    def silent_s(self) -> float:
        """For how long it has been without an answer to what it was asked, in seconds; 0 while it is idle."""
        return self._pool.silent_s()

    def starting_s(self) -> float:
        """For how long it is being started, in seconds; 0 while it is not."""
        return self._pool.starting_s()

    async def __aenter__(self) -> EncoderProcess:
        """Load the encoder. Raises `ModelUnavailable` as `load_encoder` does, or `WorkerProcessUnavailable`."""
        self.memory = make_pixel_memory()
        if self.memory is not None:
            setup = msgspec.structs.replace(self._program.setup_message, memory=self.memory.setup)
            self._program = replace(self._program, setup_message=setup, descriptors=(self.memory.descriptor,))
        await self._pool.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()
        self.memory = None

    async def encode(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        """Unit float32 rows (n_texts, dim) and (n_images, dim) of a batch; an empty side costs nothing.

        Raises:
            WorkerProcessFailed: the process died, or took longer than the deadline.
            WorkerProcessUnavailable: it could not be started again, or is closed.
            EncoderError: the encoder refused the batch.
        """
        if len(images) <= PICTURES_PER_REQUEST:
            return await self._request(texts, images)
        # All texts go with the first request: texts of like length then share a pass.
        starts = range(0, len(images), PICTURES_PER_REQUEST)
        parts = ((() if start else texts, images[start : start + PICTURES_PER_REQUEST]) for start in starts)
        answers = await asyncio.gather(*(self._request(*part) for part in parts))
        return answers[0][0], np.concatenate([rows for _, rows in answers])

    async def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Unit float32 rows (n, dim) of whole products, for an encoder whose `spec.joint`. Raises as `encode` does."""
        runs = list(product_chunks([len(pictures) for pictures in images]))
        answers = await asyncio.gather(*(self._request_products(texts[run], images[run]) for run in runs))
        return np.concatenate([np.zeros((0, self.spec.dim), np.float32), *answers])

    async def _request_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        batch = EncodeProducts(
            texts_to_message(texts),
            [[picture_to_message(picture, self.memory) for picture in pictures] for pictures in images],
        )
        rows = await self._pool.request(batch, lambda answer: self._rows(answer, len(texts), 0))
        if isinstance(rows, ErrorMessage):
            raise rows.to_error()
        return rows[0]

    async def _request(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        batch = EncodeParts(texts_to_message(texts), [picture_to_message(picture, self.memory) for picture in images])
        rows = await self._pool.request(batch, lambda answer: self._rows(answer, len(texts), len(images)))
        if isinstance(rows, ErrorMessage):
            raise rows.to_error()
        return rows

    @property
    def _loaded(self) -> EncoderReady:
        if self._ready is None:
            raise WorkerProcessUnavailable(f"the {self._program.name} is not loaded yet: enter its context first")
        return self._ready

    async def _start(self) -> WorkerProcess:
        worker = await WorkerProcess.start(self._program)
        try:
            self._ready = self._checked(worker)
        except BaseException:
            await worker.close()
            raise
        return worker

    def _checked(self, worker: WorkerProcess) -> EncoderReady:
        try:
            ready = _READY.decode(worker.ready_message)
        except msgspec.MsgspecError as error:
            raise WorkerProcessUnavailable(f"the {worker} said something else than that it is ready") from error
        if isinstance(ready, ErrorMessage):
            raise ready.to_error()
        if self._ready is not None and ready.spec != self._ready.spec:
            raise SpecMismatch(f"the {worker} was {self._ready.spec.key} and came back as {ready.spec.key}")
        worker.note_unconfined(ready.missing)
        return ready

    def _rows(self, data: bytes, n_texts: int, n_images: int) -> tuple[FloatArray, FloatArray] | ErrorMessage:
        answer = _ANSWER.decode(data)
        if isinstance(answer, ErrorMessage):
            return answer
        self.device_s += answer.device_s
        shape = (self.spec.dim,)
        return (
            np.frombuffer(answer.texts, np.float32).reshape(n_texts, *shape),
            np.frombuffer(answer.images, np.float32).reshape(n_images, *shape),
        )


def product_chunks(pictures: Sequence[int]) -> Iterator[slice]:
    """Slices of consecutive products that fit into one request, from the number of pictures of each product."""
    start, taken = 0, 0
    for row, count in enumerate(pictures):
        # Each product counts as one more picture: a request of products without pictures is bounded too.
        if taken and taken + count + 1 > PICTURES_PER_REQUEST:
            yield slice(start, row)
            start, taken = row, 0
        taken += count + 1
    if taken:
        yield slice(start, len(pictures))


class ThreadEncoder:
    """An encoder in a thread of this process: nothing to start, but it shares the GIL with the event loop."""

    def __init__(self, encoder: Encoder, executor: Executor) -> None:
        """Args: executor: of exactly one thread; the caller shuts it down."""
        self.spec = encoder.spec
        self.prompts = encoder.prompts
        self._encoder = encoder
        self._executor = executor

    async def encode(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        """Unit float32 rows (n_texts, dim) and (n_images, dim) of a batch; an empty side costs nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._encode, texts, images)

    async def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Unit float32 rows (n, dim) of whole products. Raises `SpecMismatch` for an encoder of parts."""
        joint = as_joint_encoder(self._encoder)
        return await asyncio.get_running_loop().run_in_executor(self._executor, joint.encode_products, texts, images)

    def _encode(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        no_rows = np.zeros((0, self.spec.dim), np.float32)
        return (
            self._encoder.encode_texts(texts) if texts else no_rows,
            self._encoder.encode_images(images) if images else no_rows,
        )
