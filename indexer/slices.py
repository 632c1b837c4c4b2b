"""Work on many things in slices: whatever else waits for the event loop has its turn between two of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

SLICE_S = 0.003
"""After so long the loop is let go: hardly longer than one batch of the encoder may wait for its pictures."""


async def map_in_slices(
    function: Callable[[Item], Result], items: Iterable[Item], slice_s: float = SLICE_S
) -> list[Result]:
    """A function's results for each of many items, in their order.

    Args:
        function: quick for one item. What it raises ends the whole.
        items: which must not change meanwhile.
        slice_s: how long the event loop is held at a time, beside what one item takes.
    """
    results: list[Result] = []
    ends_s = time.perf_counter() + slice_s
    for item in items:
        results.append(function(item))
        if time.perf_counter() >= ends_s:
            await asyncio.sleep(0)
            ends_s = time.perf_counter() + slice_s
    return results
