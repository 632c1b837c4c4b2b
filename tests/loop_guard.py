"""Measures what one callback keeps an event loop from everything else, by the processor time that it takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class LongestBlock:
    """The longest callback so far.

    Attributes:
        seconds: processor time of the loop's thread, so that a busy machine makes no difference.
        what: the callback.
    """

    seconds: float = 0.0
    what: str = ""

    def reset(self) -> None:
        self.seconds, self.what = 0.0, ""


def _name(handle: asyncio.Handle) -> str:
    """What a handle runs, without its arguments, which may be long."""
    callback = handle._callback  # type: ignore[attr-defined]
    owner = getattr(callback, "__self__", None)
    return repr(owner.get_coro()) if isinstance(owner, asyncio.Task) else getattr(callback, "__qualname__", "?")


@contextmanager
def longest_block() -> Iterator[LongestBlock]:
    """Measure all callbacks of asyncio's own loops meanwhile; uvloop's are out of reach."""
    longest = LongestBlock()
    run = asyncio.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        started = time.thread_time()
        run(handle)
        took = time.thread_time() - started
        if took > longest.seconds:
            longest.seconds, longest.what = took, _name(handle)

    asyncio.Handle._run = measured  # type: ignore[method-assign]
    try:
        yield longest
    finally:
        asyncio.Handle._run = run  # type: ignore[method-assign]
