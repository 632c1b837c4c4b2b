"""Concurrent queries through the encoder together: whatever arrives while a batch is encoded makes the next one.

Queries go before what the worker encodes for itself, and before other processes' work on the same device.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from encoders.inference.device_priority import DevicePriority
from encoders.port import Encoder, Pixels
from encoders.spec import FloatArray
from query_api import metrics
from query_api.errors import EncoderBusy

BACKGROUND_DIVISOR: Final = 4
"""Batches in the background are so many times smaller: a query that comes meanwhile waits for one of them at most."""


@dataclass(slots=True, eq=False)
class _PendingInput:
    """One query's input, and where its embedding (dim,) goes."""

    content: str | Pixels
    in_background: bool = False
    embedding: asyncio.Future[FloatArray] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class EncoderBatcher:
    """An encoder for many concurrent callers of one event loop.

    A caller that is cancelled or late takes no others with it; a batch that fails fails all of its callers.
    """

    def __init__(
        self,
        encoder: Encoder,
        executor: Executor,
        batch: int = 32,
        waiting: int = 256,
        deadline_s: float = 5.0,
        precedence: DevicePriority | None = None,
    ) -> None:
        """Set up; nothing runs yet.

        Args:
            executor: Of exactly one thread.
            batch: The most inputs at once.
            waiting: The most that may queue.
            precedence: On the device, over other processes; None: there are none.
        """
        self.spec = encoder.spec
        self._encoder = encoder
        self._executor = executor
        self._batch = batch
        self._max_pending = waiting
        self._deadline_s = deadline_s
        self._device_priority = precedence
        self._pending: list[_PendingInput] = []
        self._running: asyncio.Task[None] | None = None

    async def encode(
        self, content: str | Pixels, *, in_background: bool = False, deadline_s: float | None = None
    ) -> FloatArray:
        """Unit embedding (dim,) of a text or a prepared picture.

        Args:
            in_background: No query waits for it; those that do go first.
            deadline_s: The longest to wait; None: what the batcher was made with.

        Raises:
            EncoderBusy: it is late, or too many wait already.
        """
        if len(self._pending) >= self._max_pending:
            raise EncoderBusy(f"{len(self._pending)} queries wait for the encoder already")
        limit_s = self._deadline_s if deadline_s is None else deadline_s
        one = _PendingInput(content, in_background)
        self._pending.append(one)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        limit_s = self._deadline_s if deadline_s is None else deadline_s
        try:
            async with asyncio.timeout(limit_s):
                return await one.embedding
        except TimeoutError as error:
            raise EncoderBusy(f"the encoder did not answer within {limit_s:g} s") from error

    async def aclose(self) -> None:
        """Wait for the batch that is being encoded; fail those that still wait."""
        left, self._pending = self._pending, []
        _fail(left, EncoderBusy("the query worker is shutting down"))
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        while batch := self._next_batch():
            await self._encode_batch(batch)

    def _next_batch(self) -> list[_PendingInput]:
        """The next batch: queries, or, where none waits, a share of the work in the background."""
        # Those that gave up in the queue cost the others nothing.
        waiting = [one for one in self._pending if not one.embedding.done()]
        urgent = [one for one in waiting if not one.in_background]
        batch = urgent[: self._batch] or waiting[: max(1, self._batch // BACKGROUND_DIVISOR)]
        taken = set(map(id, batch))
        self._pending = [one for one in waiting if id(one) not in taken]
        return batch

    async def _encode_batch(self, batch: list[_PendingInput]) -> None:
        metrics.ENCODER_BATCH.observe(len(batch))
        loop = asyncio.get_running_loop()
        try:
            run = self._rows if batch[0].in_background else self._rows_with_priority
            rows = await loop.run_in_executor(self._executor, run, [one.content for one in batch])
        except Exception as error:
            _fail(batch, error)
            return
        for one, row in zip(batch, rows, strict=True):
            if not one.embedding.done():
                one.embedding.set_result(row)

    def _rows_with_priority(self, contents: Sequence[str | Pixels]) -> FloatArray:
        with self._device_priority.prioritised() if self._device_priority else contextlib.nullcontext():
            return self._rows(contents)

    def _rows(self, contents: Sequence[str | Pixels]) -> FloatArray:
        """Embeddings (n, dim) of texts and pictures, in their order."""
        texts = [index for index, one in enumerate(contents) if isinstance(one, str)]
        pictures = [index for index, one in enumerate(contents) if not isinstance(one, str)]
        rows = np.zeros((len(contents), self.spec.dim), np.float32)
        if texts:
            rows[texts] = self._encoder.encode_texts([one for one in contents if isinstance(one, str)])
        if pictures:
            rows[pictures] = self._encoder.encode_images([one for one in contents if not isinstance(one, str)])
        return rows


def _fail(batch: Sequence[_PendingInput], error: Exception) -> None:
    for one in batch:
        if not one.embedding.done():
            one.embedding.set_exception(error)
