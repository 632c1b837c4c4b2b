"""Pictures through a compiled image tower, in passes of bounded size that run side by side.

A photo to search with is several views. Each in a stream of its own, with its own threads, they take a third less of
the processor than as one pass whose every layer all threads share, and none waits for another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np

from encoders.inference.buckets import filled_counts, unfilled_counts
from encoders.media.preparation import Pixels
from encoders.spec import FloatArray, normalise_rows

MAX_BATCH: Final = 32
"""Rows of one pass: more are no faster on a CPU, and take more memory."""
MAX_PASS_PIXELS: Final = 8 * 224 * 224
"""Of all pictures that are computed at once: of large ones, as many as make no pass faster take hundreds of
megabytes."""
SMALL_PIXELS: Final = 96 * 96
"""Of pictures up to this, two take no longer than a pass takes beside them: passes are filled up rather than parted."""


class ImagePasses:
    """A compiled image tower of one caller at a time."""

    def __init__(self, tower: Any, streams: int, dim: int) -> None:
        """Args: tower: compiled for so many streams; levels (n, height, width, 3) uint8 → embeddings (n, dim)."""
        self._requests = [tower.create_infer_request() for _ in range(streams)]
        self._dim = dim

    def encode(self, images: Sequence[Pixels]) -> FloatArray:
        """Embed prepared pictures → (n, dim) unit float32 rows."""
        out, start = np.zeros((len(images), self._dim), np.float32), 0
        passes = self._passes(images)
        while beside := list(islice(passes, len(self._requests))):
            for request, (_, levels) in zip(self._requests, beside, strict=False):
                request.start_async({"levels": levels})
            for request, (rows, _) in zip(self._requests, beside, strict=False):
                request.wait()
                out[start : start + rows] = normalise_rows(request.get_output_tensor().data[:rows])
                start += rows
        return out

    def _passes(self, images: Sequence[Pixels]) -> Iterator[tuple[int, Pixels]]:
        """Of each pass, how many pictures are in it, and their levels (at least so many, height, width, 3)."""
        if not images:
            return
        pixels, streams = images[0][..., 0].size, len(self._requests)
        most = max(1, min(MAX_BATCH, MAX_PASS_PIXELS // pixels // streams, -(-len(images) // streams)))
        counts = filled_counts if pixels <= SMALL_PIXELS else unfilled_counts
        start = 0
        for rows in counts(len(images), most):
            part = images[start : start + rows]
            yield len(part), np.stack([*part, *[part[0]] * (rows - len(part))])
            start += rows


def streams_of(views: int, threads: int) -> int:
    """How many passes run side by side: as many as a photo to search with has views, where there are the threads."""
    return max(1, min(views, threads))
