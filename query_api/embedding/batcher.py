"""Batches concurrent queries for the encoder: whatever arrives while one batch is encoded makes the next one.

Queries go before what the worker encodes in the background, and before other processes' work on the same device.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from encoders.errors import WorkerProcessFailed, WorkerProcessUnavailable
from encoders.inference.device_priority import DevicePriority
from encoders.liveness.progress import Pulse
from encoders.port import Encoder, Pixels
from encoders.spec import FloatArray
from query_api import metrics
from query_api.errors import EncoderBusy

BACKGROUND_DIVISOR: Final = 4
"""Background batches are so many times smaller than those of queries, as a query may have to wait for one of them."""


@dataclass(slots=True, eq=False)
class _PendingInput:
    """One query's input, and where its embedding (dim,) goes."""

    content: str | Pixels
    in_background: bool = False
    embedding: asyncio.Future[FloatArray] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class EncoderBatcher:
    """An encoder of queries for many concurrent callers of one event loop.

    A caller that is cancelled or late takes no others with it; a batch that fails fails all of its callers.
    """

    def __init__(
        self,
        encoder: Encoder,
        executor: Executor,
        batch: int = 32,
        waiting: int = 256,
        deadline_s: float = 5.0,
        device_priority: DevicePriority | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        """Set up; nothing runs yet.

        Args:
            executor: of exactly one thread, where the encoder runs.
            batch: the most inputs that are encoded together.
            waiting: the most that may queue.
            deadline_s: the longest that a caller waits for its embedding.
            device_priority: of queries over other processes' work on the device; None: none share it.
            pulse: shows what is being encoded; None: nobody looks.
        """
        self.spec = encoder.spec
        self.preparer = encoder.preparer
        self._encoder = encoder
        self._executor = executor
        self._batch = batch
        self._max_pending = waiting
        self._deadline_s = deadline_s
        self._device_priority = device_priority
        self._pulse = pulse or Pulse("encoder", float("inf"))
        self._pending: list[_PendingInput] = []
        self._running: asyncio.Task[None] | None = None

    async def encode(
        self,
        content: str | Pixels,
        *,
        as_document: bool = False,
        in_background: bool = False,
        deadline_s: float | None = None,
    ) -> FloatArray:
        """Unit embedding (dim,) of a text, as of a query, or of a prepared picture.

        Args:
            as_document: a text is one of a product, not of a query.
            in_background: no query waits for it; what queries wait for goes first.
            deadline_s: the longest to wait; None: what the batcher was made with.

        Raises:
            EncoderBusy: it is late, or too many wait already.
        """
        if len(self._pending) >= self._max_pending:
            raise EncoderBusy(f"{len(self._pending)} queries wait for the encoder already")
        pending = _PendingInput(self._prompted(content, as_document), in_background)
        self._pending.append(pending)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        limit_s = self._deadline_s if deadline_s is None else deadline_s
        try:
            async with asyncio.timeout(limit_s):
                return await pending.embedding
        except TimeoutError as error:
            raise EncoderBusy(f"the encoder did not answer within {limit_s:g} s") from error

    async def aclose(self) -> None:
        """Wait for the batch that is being encoded; fail those that still wait."""
        left, self._pending = self._pending, []
        _fail(left, EncoderBusy("the query worker is shutting down"))
        if self._running is not None:
            await self._running

    def _prompted(self, content: str | Pixels, as_document: bool) -> str | Pixels:
        if not isinstance(content, str):
            return content
        prompts = self._encoder.prompts
        return (prompts.for_documents([content]) if as_document else prompts.for_queries([content]))[0]

    async def _run(self) -> None:
        while batch := self._next_batch():
            await self._encode_batch(batch)

    def _next_batch(self) -> list[_PendingInput]:
        """The next batch: queries, or, where none waits, a share of the work in the background."""
        # Those that gave up in the queue cost the others nothing.
        waiting = [pending for pending in self._pending if not pending.embedding.done()]
        urgent = [pending for pending in waiting if not pending.in_background]
        batch = urgent[: self._batch] or waiting[: max(1, self._batch // BACKGROUND_DIVISOR)]
        taken = set(map(id, batch))
        self._pending = [pending for pending in waiting if id(pending) not in taken]
        return batch

    async def _encode_batch(self, batch: list[_PendingInput]) -> None:
        metrics.ENCODER_BATCH.observe(len(batch))
        loop = asyncio.get_running_loop()
        try:
            run = self._rows if batch[0].in_background else self._rows_with_priority
            with self._pulse.busy(f"{len(batch)} inputs"):
                rows = await loop.run_in_executor(self._executor, run, [pending.content for pending in batch])
        except (WorkerProcessFailed, WorkerProcessUnavailable) as error:
            _fail(batch, EncoderBusy(f"the encoder cannot be asked just now: {error}"))
            return
        except Exception as error:
            _fail(batch, error)
            return
        for pending, row in zip(batch, rows, strict=True):
            if not pending.embedding.done():
                pending.embedding.set_result(row)

    def _rows_with_priority(self, contents: Sequence[str | Pixels]) -> FloatArray:
        with self._device_priority.prioritised() if self._device_priority else contextlib.nullcontext():
            return self._rows(contents)

    def _rows(self, contents: Sequence[str | Pixels]) -> FloatArray:
        """Embeddings (n, dim) of texts and pictures, in their order."""
        texts = [(index, content) for index, content in enumerate(contents) if isinstance(content, str)]
        pictures = [(index, content) for index, content in enumerate(contents) if not isinstance(content, str)]
        rows = np.zeros((len(contents), self.spec.dim), np.float32)
        if texts:
            rows[[index for index, _ in texts]] = self._encoder.encode_texts([text for _, text in texts])
        if pictures:
            rows[[index for index, _ in pictures]] = self._encoder.encode_images([pixels for _, pixels in pictures])
        return rows


def _fail(batch: Sequence[_PendingInput], error: Exception) -> None:
    for pending in batch:
        if not pending.embedding.done():
            pending.embedding.set_exception(error)
