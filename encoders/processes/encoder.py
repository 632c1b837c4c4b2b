"""Encoders that the event loop never waits in: in a process of their own, or in a thread of this one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
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
from encoders.processes.pool import WorkerPool
from encoders.processes.worker import WorkerProcess, WorkerProgram
from encoders.spec import EmbeddingSpec, FloatArray

_ONE_ARENA: Final = {"MALLOC_ARENA_MAX": "1"}
"""One thread computes; heaps of glibc's for the two that read and write would grow, each with the largest batch."""

PICTURES_PER_REQUEST: Final = 64
"""Pictures sent at once: a pass through the model, and some 10 MB. The child's memory would not stay flat with more."""

_READY: Final = msgspec.msgpack.Decoder(EncoderReady | ErrorMessage)
_ANSWER: Final = msgspec.msgpack.Decoder(EncodedRows | ErrorMessage)


class EncoderProcess:
    """An encoder in a child process, whose device and GIL nothing else uses; an async context manager.

    A second batch waits at the child while it works on the first, so that the device has no pause between them.
    A child that dies is replaced when the next batch comes, which waits for the model to be loaded again.
    """

    def __init__(
        self, name: str, runtime: Runtime | str = "auto", deadline_s: float = 60.0, start_deadline_s: float = 900.0
    ) -> None:
        """Take down what to run; entering the context loads it.

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
            environment=_ONE_ARENA,
        )
        self._crew = WorkerPool(self._start)
        self._ready: EncoderReady | None = None

    @property
    def spec(self) -> EmbeddingSpec:
        """The space its vectors live in."""
        return self._loaded.spec

    @property
    def preparer(self) -> Preparer:
        """Makes its input of decoded pictures, in whichever thread or process."""
        return self._loaded.preparer

    @property
    def pid(self) -> int:
        """The child's process id. Raises `WorkerProcessUnavailable` while none runs."""
        pids = self._crew.pids
        if not pids:
            raise WorkerProcessUnavailable(f"the {self._program.name} has no process just now")
        return pids[0]

    async def __aenter__(self) -> EncoderProcess:
        """Load the encoder. Raises `ModelUnavailable` as `load_encoder` does, or `WorkerProcessUnavailable`."""
        await self._crew.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._crew.close()

    async def encode(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        """Unit float32 rows (n_texts, dim) and (n_images, dim) of a batch; an empty side costs nothing.

        Raises:
            ChildFailed: the process died, or took longer than the deadline.
            WorkerProcessUnavailable: it could not be started again, or is closed.
            EncoderError: the encoder refused the batch.
        """
        if len(images) <= PICTURES_PER_REQUEST:
            return await self._request(texts, images)
        # All texts at once, so that those of like length meet.
        starts = range(0, len(images), PICTURES_PER_REQUEST)
        parts = ((() if start else texts, images[start : start + PICTURES_PER_REQUEST]) for start in starts)
        answers = await asyncio.gather(*(self._request(*part) for part in parts))
        return answers[0][0], np.concatenate([rows for _, rows in answers])

    async def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Unit float32 rows (n, dim) of whole products, for an encoder whose `spec.joint`. Raises as `encode` does."""
        runs = list(_product_chunks([len(pictures) for pictures in images]))
        answers = await asyncio.gather(*(self._request_products(texts[run], images[run]) for run in runs))
        return np.concatenate([np.zeros((0, self.spec.dim), np.float32), *answers])

    async def _request_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        batch = EncodeProducts(
            texts_to_message(texts), [[picture_to_message(picture) for picture in pictures] for pictures in images]
        )
        rows = await self._crew.request(batch, lambda answer: self._rows(answer, len(texts), 0))
        if isinstance(rows, ErrorMessage):
            raise rows.to_error()
        return rows[0]

    async def _request(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        batch = EncodeParts(texts_to_message(texts), [picture_to_message(picture) for picture in images])
        rows = await self._crew.request(batch, lambda answer: self._rows(answer, len(texts), len(images)))
        if isinstance(rows, ErrorMessage):
            raise rows.to_error()
        return rows

    @property
    def _loaded(self) -> EncoderReady:
        if self._ready is None:
            raise WorkerProcessUnavailable(f"the {self._program.name} is not loaded yet: enter its context first")
        return self._ready

    async def _start(self) -> WorkerProcess:
        child = await WorkerProcess.start(self._program)
        try:
            self._ready = self._checked(child)
        except BaseException:
            await child.close()
            raise
        return child

    def _checked(self, child: WorkerProcess) -> EncoderReady:
        try:
            ready = _READY.decode(child.ready_message)
        except msgspec.MsgspecError as error:
            raise WorkerProcessUnavailable(f"the {child} greeted with nonsense") from error
        if isinstance(ready, ErrorMessage):
            raise ready.to_error()
        if self._ready is not None and ready.spec != self._ready.spec:
            raise SpecMismatch(f"the {child} was {self._ready.spec.key} and came back as {ready.spec.key}")
        return ready

    def _rows(self, data: bytes, n_texts: int, n_images: int) -> tuple[FloatArray, FloatArray] | ErrorMessage:
        answer = _ANSWER.decode(data)
        if isinstance(answer, ErrorMessage):
            return answer
        shape = (self.spec.dim,)
        return (
            np.frombuffer(answer.texts, np.float32).reshape(n_texts, *shape),
            np.frombuffer(answer.images, np.float32).reshape(n_images, *shape),
        )


def _product_chunks(pictures: Sequence[int]) -> Iterator[slice]:
    """Products in runs that one frame takes, by how many pictures each has."""
    start, taken = 0, 0
    for row, count in enumerate(pictures):
        # A product counts beside its pictures, so that a run of products without any ends too.
        if taken and taken + count + 1 > PICTURES_PER_REQUEST:
            yield slice(start, row)
            start, taken = row, 0
        taken += count + 1
    if taken:
        yield slice(start, len(pictures))


class ThreadEncoder:
    """An encoder in a thread of this process: nothing to start, and one GIL for it and the event loop."""

    def __init__(self, encoder: Encoder, executor: Executor) -> None:
        """Args: executor: of exactly one thread, which stays the caller's to shut down."""
        self.spec = encoder.spec
        self._encoder = encoder
        self._executor = executor

    async def encode(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        """Unit float32 rows (n_texts, dim) and (n_images, dim) of a batch; an empty side costs nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._encode, texts, images)

    async def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Unit float32 rows (n, dim) of whole products. Raises `SpecMismatch` for an encoder of parts."""
        whole = as_joint_encoder(self._encoder)
        return await asyncio.get_running_loop().run_in_executor(self._executor, whole.encode_products, texts, images)

    def _encode(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        none = np.zeros((0, self.spec.dim), np.float32)
        return (
            self._encoder.encode_texts(texts) if texts else none,
            self._encoder.encode_images(images) if images else none,
        )
