"""Concurrent queries through the encoder together: whatever arrives while a batch is encoded makes the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from encoders.port import Encoder, Pixels
from encoders.spec import FloatArray
from query_api import metrics
from query_api.errors import EncoderBusy


@dataclass(slots=True, eq=False)
class _Waiting:
    """One query's input, and where its embedding (dim,) goes."""

    content: str | Pixels
    embedding: asyncio.Future[FloatArray] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class EncoderBatcher:
    """An encoder for many concurrent callers of one event loop.

    A caller that is cancelled or late takes no others with it; a batch that fails fails all of its callers.
    """

    def __init__(
        self, encoder: Encoder, executor: Executor, batch: int = 32, waiting: int = 256, deadline_s: float = 5.0
    ) -> None:
        """Args: executor: of exactly one thread; batch: the most inputs at once; waiting: the most that may queue."""
        self.spec = encoder.spec
        self._encoder = encoder
        self._executor = executor
        self._batch = batch
        self._most_waiting = waiting
        self._deadline_s = deadline_s
        self._waiting: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None

    async def encode(self, content: str | Pixels) -> FloatArray:
        """Unit embedding (dim,) of a text or a prepared picture. Raises `EncoderBusy` when it is late or overrun."""
        if len(self._waiting) >= self._most_waiting:
            raise EncoderBusy(f"{len(self._waiting)} queries wait for the encoder already")
        one = _Waiting(content)
        self._waiting.append(one)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        try:
            async with asyncio.timeout(self._deadline_s):
                return await one.embedding
        except TimeoutError as error:
            raise EncoderBusy(f"the encoder did not answer within {self._deadline_s:g} s") from error

    async def aclose(self) -> None:
        """Wait for the batch that is being encoded; fail those that still wait."""
        left, self._waiting = self._waiting, []
        _fail(left, EncoderBusy("the query worker is shutting down"))
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
            # Those that gave up in the queue cost the others nothing.
            await self._encode_batch([one for one in batch if not one.embedding.done()])

    async def _encode_batch(self, batch: list[_Waiting]) -> None:
        if not batch:
            return
        metrics.ENCODER_BATCH.observe(len(batch))
        loop = asyncio.get_running_loop()
        try:
            rows = await loop.run_in_executor(self._executor, self._rows, [one.content for one in batch])
        except Exception as error:
            _fail(batch, error)
            return
        for one, row in zip(batch, rows, strict=True):
            if not one.embedding.done():
                one.embedding.set_result(row)

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


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for one in batch:
        if not one.embedding.done():
            one.embedding.set_exception(error)
