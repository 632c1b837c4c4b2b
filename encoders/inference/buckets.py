"""Inputs of like size batched together, in a bounded set of shapes.

Source: bucketing by length as in Khomenko et al., "Accelerating recurrent neural network training using sequence
bucketing and multi-GPU data parallelization", 2016.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

LENGTH_STEP: Final = 8
"""Texts are padded to a multiple of this many tokens: a model of 64 tokens then sees 8 lengths."""


@dataclass(slots=True)
class BatchLimit:
    """The largest batch. It may be lowered while `length_buckets` runs, and holds from the next batch on."""

    max_count: int
    """The most inputs of a batch."""
    max_cells: float = math.inf
    """The most inputs × size of the largest one; a larger single input is a batch of its own."""


def length_buckets(sizes: Sequence[int], limit: BatchLimit) -> Iterator[list[int]]:
    """Batch inputs by size, so that a short text is not padded to a long one.

    Args:
        sizes: the size of each input, such as its tokens.
        limit: looked at before each batch.

    Returns:
        Batches of places in `sizes`, smaller inputs first.
    """
    batch: list[int] = []
    for at in sorted(range(len(sizes)), key=sizes.__getitem__):
        if batch and (len(batch) >= limit.max_count or (len(batch) + 1) * sizes[at] > limit.max_cells):
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def padded_length(length: int, most: int) -> int:
    """The tokens that texts of up to `length` tokens are padded to: a multiple of `LENGTH_STEP`, at most `most`."""
    return min(most, -(-max(1, length) // LENGTH_STEP) * LENGTH_STEP)


def padded_count(count: int, most: int) -> int:
    """The rows that a batch of `count` inputs is filled up to: a power of two or `most`, and never below `count`."""
    return max(count, min(most, 1 << (count - 1).bit_length()))


def filled_counts(count: int, most: int) -> Iterator[int]:
    """The rows of each pass that together take `count`: `most`, and what the last one is filled up to."""
    while count > 0:
        rows = padded_count(min(count, most), most)
        yield rows
        count -= rows


def unfilled_counts(count: int, most: int) -> Iterator[int]:
    """The same with none filled up: `most`, then ever smaller powers of two."""
    while count:
        rows = most if count >= most else 1 << count.bit_length() - 1
        yield rows
        count -= rows


def compiled_length(length: int, most: int) -> int:
    """The tokens that texts are padded to for a model that is compiled for each shape: a power of two, or `most`."""
    return min(most, max(LENGTH_STEP, 1 << (max(1, length) - 1).bit_length()))


def compiled_count(count: int, most: int) -> int:
    """The rows that a batch is filled up to for such a model: a power of eight, or `most`; never below `count`.

    A GPU computes a few rows as fast as one, and each shape takes the compiler tens of seconds.
    """
    return max(count, min(most, 1 << 3 * -(-(count - 1).bit_length() // 3)))


def compiled_shapes(most_rows: int, most_tokens: int) -> int:
    """How many shapes of texts there are then, at most."""
    lengths = {compiled_length(length, most_tokens) for length in range(1, most_tokens + 1)}
    return len(lengths) * len({compiled_count(count, most_rows) for count in range(1, most_rows + 1)})
