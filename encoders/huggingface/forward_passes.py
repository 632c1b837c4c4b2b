"""Forward passes on a device: bounded, overlapped with what the host does, and made smaller where memory ends."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from encoders.errors import EncoderError
from encoders.huggingface.preprocessing import HostRows
from encoders.inference.buckets import BatchLimit, length_buckets
from encoders.inference.forward_pass import ForwardPass
from encoders.spec import FloatArray, normalise_rows

Inputs = TypeVar("Inputs")
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

        Args:
            sizes: Of each input, above 0: its tokens, or its patches.
            features: The embeddings (k, dim) of the inputs of these indices, on the device.

        Raises:
            EncoderError: a single input is more than the device's memory holds.
        """
        passes = self.stage(sizes, lambda rows: rows, features, dim)
        passes.launch()
        return passes.rows()

    def stage(
        self,
        sizes: Sequence[int],
        prepare: Callable[[list[int]], Inputs],
        features: Callable[[Inputs], Tensor],
        dim: int,
    ) -> StagedPasses[Inputs]:
        """Prepare the first batch, so that the device can begin at once with it.

        Args:
            sizes: Of each input, above 0: its tokens, or its patches.
            prepare: The inputs of these indices as the tower takes them, on their way to the device.
            features: Their embeddings (k, dim) on the device.
        """
        return StagedPasses(self, sizes, prepare, features, dim)

    def lower_limit(self, rows: int, size: int) -> None:
        """Halve the size of later batches, after one that the device's memory did not hold."""
        self.limit.max_cells = min(self.limit.max_cells, rows * size // 2)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        log.warning("device_memory_full", extra={"rows": rows, "size": size, "cells": self.limit.max_cells})


class StagedPasses(Generic[Inputs]):
    """A `ForwardPass` of one call, of one batch or several."""

    def __init__(
        self,
        owner: ForwardPasses,
        sizes: Sequence[int],
        prepare: Callable[[list[int]], Inputs],
        features: Callable[[Inputs], Tensor],
        dim: int,
    ) -> None:
        """Prepare the first batch. Args as those of `ForwardPasses.stage`."""
        self._owner, self._sizes, self._prepare, self._features = owner, sizes, prepare, features
        self._rows = np.zeros((len(sizes), dim), np.float32)
        self._batches = length_buckets(sizes, owner.limit)
        self._first = [(rows, prepare(rows)) for rows in itertools.islice(self._batches, 1)]
        self._passes: list[tuple[list[int], Tensor]] = []

    def launch(self) -> None:
        """Start all batches on the device.

        Nothing is waited for until the last one is under way: on a GPU, the host makes up a batch while the device
        works on the one before it.

        Raises:
            EncoderError: a single input is more than the device's memory holds.
        """
        for rows, inputs in self._first:
            self._passes += self._run_or_halve(rows, inputs)
        self._first.clear()
        for rows in self._batches:
            self._passes += self._run_or_halve(rows, self._prepare(rows))

    def rows(self) -> FloatArray:
        """Wait for the device → (n, dim) unit float32 rows, in the order of the inputs."""
        for rows, embeddings in self._passes:
            self._rows[rows] = normalise_rows(embeddings.float().cpu().numpy())
        return self._rows

    def _run_or_halve(self, rows: list[int], inputs: Inputs) -> list[tuple[list[int], Tensor]]:
        """Run a batch, or its halves where it does not fit; later batches are no larger than those."""
        try:
            return [(rows, self._features(inputs))]
        except torch.OutOfMemoryError as error:
            if len(rows) == 1:
                raise EncoderError(
                    f"an input of size {self._sizes[rows[0]]} does not fit into the device's memory"
                ) from error
        self._owner.lower_limit(len(rows), max(self._sizes[row] for row in rows))
        del inputs
        halves = rows[: len(rows) // 2], rows[len(rows) // 2 :]
        return [part for half in halves for part in self._run_or_halve(half, self._prepare(half))]


class JoinedPasses:
    """Passes of a call whose inputs cannot share one, as pictures of several shapes: a `ForwardPass` again."""

    def __init__(self, parts: Sequence[tuple[Sequence[int], ForwardPass]], count: int, dim: int) -> None:
        """Args: parts: passes, and where each one's inputs are among the `count` of the call."""
        self._parts = parts
        self._rows = np.zeros((count, dim), np.float32)

    def launch(self) -> None:
        """Start all of them on the device. Raises as they do."""
        for _, forward in self._parts:
            forward.launch()

    def rows(self) -> FloatArray:
        """Wait for the device → (n, dim) unit float32 rows, in the order of the inputs."""
        for places, forward in self._parts:
            self._rows[list(places)] = forward.rows()
        return self._rows


class DeviceCopier:
    """Host arrays to a device; to a GPU from pinned memory on a stream of their own, beside the computation."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __call__(self, rows: HostRows) -> Tensor:
        """An array of any shape, or arrays that become its rows, on the device, ready for the stream that computes."""
        if self._stream is None:
            return torch.from_numpy(np.ascontiguousarray(rows)).to(self._device)
        pinned = _pinned(rows)
        with torch.cuda.stream(self._stream):
            moved = pinned.to(self._device, non_blocking=True)
        computing = torch.cuda.current_stream(self._device)
        computing.wait_stream(self._stream)
        # Its memory must not be handed out again on the copying stream while the computing one still reads it.
        moved.record_stream(computing)
        return moved


def _pinned(rows: HostRows) -> Tensor:
    """The same in memory that the device reads by itself; copied once, and kept until it has been read."""
    first = np.asarray(rows[0])
    kind = torch.from_numpy(np.empty(0, first.dtype)).dtype
    pinned = torch.empty((len(rows), *first.shape), dtype=kind, pin_memory=True)
    np.stack([*rows], out=pinned.numpy())
    return pinned
