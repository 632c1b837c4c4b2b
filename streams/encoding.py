"""The encoder behind one thread: batches go through it in turn, the event loop never waits in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np

from encoders.port import Encoder, Pixels
from encoders.spec import FloatArray
from streams import metrics


class EncoderThread:
    """Runs an encoder's calls in `executor`, which must have exactly one thread."""

    def __init__(self, encoder: Encoder, executor: Executor) -> None:
        self.spec = encoder.spec
        self._encoder = encoder
        self._executor = executor

    async def encode(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        """Unit rows (n_texts, dim) and (n_images, dim) of a batch; an empty side costs nothing."""
        metrics.ENCODED.labels("text").inc(len(texts))
        metrics.ENCODED.labels("image").inc(len(images))
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._encode, texts, images)

    def _encode(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        none = np.zeros((0, self.spec.dim), np.float32)
        return (
            self._encoder.encode_texts(texts) if texts else none,
            self._encoder.encode_images(images) if images else none,
        )
