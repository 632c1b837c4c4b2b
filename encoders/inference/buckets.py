"""Inputs of like size together, in a bounded set of shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

LENGTH_STEP: Final = 8
"""Texts are padded to a multiple of so many tokens: a model of 64 tokens then sees 8 lengths."""


@dataclass(slots=True)
class BatchLimit:
    """The largest batch; may be lowered while batches are being made, and counts for the next one."""

    max_count: int
    """Inputs of a batch."""
    max_cells: float = math.inf
    """Inputs × size of the largest; an input that alone has more comes alone."""


def length_buckets(sizes: Sequence[int], limit: BatchLimit) -> Iterator[list[int]]:
    """Indices of inputs in batches, sorted by size: a short text is not padded to a long one."""
    batch: list[int] = []
    for at in sorted(range(len(sizes)), key=sizes.__getitem__):
        if batch and (len(batch) >= limit.max_count or (len(batch) + 1) * sizes[at] > limit.max_cells):
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def padded_length(length: int, most: int) -> int:
    """The length that texts of up to `length` tokens are padded to, where shapes are to be few."""
    return min(most, -(-max(1, length) // LENGTH_STEP) * LENGTH_STEP)


def padded_count(count: int, most: int) -> int:
    """The batch that `count` inputs are filled up to, where shapes are to be few: a power of two, or `most`."""
    return max(count, min(most, 1 << (count - 1).bit_length()))
