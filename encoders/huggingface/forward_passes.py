"""Forward passes on a device: bounded, overlapped with what the host does, and made smaller where memory ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from encoders.errors import EncoderError
from encoders.inference.buckets import BatchLimit, length_buckets
from encoders.spec import FloatArray, normalise_rows

log = logging.getLogger(__name__)

MAX_BATCH, MAX_BATCH_ON_CPU = 64, 32
"""Rows of one forward pass: past this, throughput no longer grows, and memory does; on a CPU it would not stay flat."""


class ForwardPasses:
    """One tower's forward passes on one device; for one thread at a time."""

    def __init__(self, device: torch.device) -> None:
        self.limit = BatchLimit(MAX_BATCH_ON_CPU if device.type == "cpu" else MAX_BATCH)
        """Lowered where memory shows an end."""
        self._device = device

    def __call__(self, sizes: Sequence[int], features: Callable[[list[int]], Tensor], dim: int) -> FloatArray:
        """Embed inputs in batches of like size → (n, dim) unit float32 rows, in their order.

        Nothing is waited for until the last pass is under way: on a GPU, the host makes up a batch while the device
        works on the one before it.

        Args:
            sizes: Of each input, above 0: its tokens, or its patches.
            features: The embeddings (k, dim) of the inputs of these indices, on the device.

        Raises:
            EncoderError: a single input is more than the device's memory holds.
        """
        out = np.zeros((len(sizes), dim), np.float32)
        passes: list[tuple[list[int], Tensor]] = []
        for batch in length_buckets(sizes, self.limit):
            passes += self._run_or_halve(batch, sizes, features)
        for rows, embeddings in passes:
            out[rows] = normalise_rows(embeddings.float().cpu().numpy())
        return out

    def _run_or_halve(
        self, rows: list[int], sizes: Sequence[int], features: Callable[[list[int]], Tensor]
    ) -> list[tuple[list[int], Tensor]]:
        """Run a batch, or its halves where it does not fit; later batches are no larger than those."""
        try:
            return [(rows, features(rows))]
        except torch.OutOfMemoryError as error:
            if len(rows) == 1:
                raise EncoderError(
                    f"an input of size {sizes[rows[0]]} does not fit into the device's memory"
                ) from error
        self._lower_limit(len(rows), max(sizes[row] for row in rows))
        middle = len(rows) // 2
        return [part for half in (rows[:middle], rows[middle:]) for part in self._run_or_halve(half, sizes, features)]

    def _lower_limit(self, rows: int, size: int) -> None:
        self.limit.max_cells = min(self.limit.max_cells, rows * size // 2)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        log.warning("device_memory_full", extra={"rows": rows, "size": size, "cells": self.limit.max_cells})


class DeviceCopier:
    """Host arrays to a device; to a GPU from pinned memory on a stream of their own, beside the computation."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __call__(self, array: np.ndarray) -> Tensor:
        """An array of any shape, such as (n, length), on the device, ready for the stream that computes."""
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if self._stream is None:
            return tensor.to(self._device)
        with torch.cuda.stream(self._stream):
            moved = tensor.pin_memory().to(self._device, non_blocking=True)
        computing = torch.cuda.current_stream(self._device)
        computing.wait_stream(self._stream)
        # Its memory must not be handed out again on the copying stream while the computing one still reads it.
        moved.record_stream(computing)
        return moved
