"""What is under way in one part of a worker, and when it last made progress. Idle is not stuck."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Protocol


class ProgressSource(Protocol):
    """What work may wait for, and what has bounds of its own: a pool of processes, or other work."""

    def last_progress(self) -> float:
        """When it last did something, in seconds of the same clock."""
        ...


class Work:
    """One thing under way: a batch, a round of a loop, a request."""

    def __init__(self, what: str, clock: Callable[[], float]) -> None:
        self.what = what
        """What it is doing, for people."""
        self._clock = clock
        self._beat_at = clock()
        self._sources: list[ProgressSource] = []

    def beat(self, what: str | None = None) -> None:
        """Note progress.

        Args:
            what: what it does now; None: as before.
        """
        self._beat_at = self._clock()
        self.what = what or self.what

    def last_progress(self) -> float:
        """When it, or what it waits for, last made progress."""
        return max(self._beat_at, *(source.last_progress() for source in self._sources), self._beat_at)

    @contextlib.contextmanager
    def waiting_for(self, source: ProgressSource) -> Iterator[None]:
        """While it waits for something that is watched itself, its progress counts as this work's."""
        self._sources.append(source)
        try:
            yield
        finally:
            self._sources.remove(source)
            self.beat()


class Pulse:
    """What one part of a worker is doing: any number of things at once, or nothing."""

    def __init__(self, part: str, bound_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Describe a part.

        Args:
            part: its name, for people and metrics.
            bound_s: so long may what is under way make no progress.
            clock: seconds.
        """
        self.part = part
        self.bound_s = bound_s
        self._clock = clock
        self._work: set[Work] = set()
        self._last_end = clock()

    @contextlib.contextmanager
    def busy(self, what: str) -> Iterator[Work]:
        """Something is under way. Within, `progress` and `waiting_for` are about it."""
        work = Work(what, self._clock)
        self._work.add(work)
        token = _current.set(work)
        try:
            yield work
        finally:
            _current.reset(token)
            self._work.discard(work)
            self._last_end = self._clock()

    def last_progress(self) -> float:
        """When anything here last made progress, what is waited for by it aside."""
        return max((work._beat_at for work in self._work), default=self._last_end)  # pyright: ignore[reportPrivateUsage]

    def silent_s(self, excused_until: float = float("-inf")) -> float:
        """For how long the slowest thing under way has made no progress, 0 while idle.

        Args:
            excused_until: time before this does not count.
        """
        now = self._clock()
        return max((now - max(work.last_progress(), excused_until) for work in self._work), default=0.0)

    def slowest(self) -> str:
        """What has made no progress for longest; empty while idle."""
        return min(self._work, key=Work.last_progress).what if self._work else ""


_current: ContextVar[Work | None] = ContextVar("work", default=None)
"""The work that the running task belongs to; tasks that it starts belong to it too."""


def progress(what: str | None = None) -> None:
    """Note progress of the work that this is part of; of none, nothing is noted."""
    if work := _current.get():
        work.beat(what)


def waiting_for(source: ProgressSource) -> contextlib.AbstractContextManager[None]:
    """While the work that this is part of waits for something that is watched itself."""
    work = _current.get()
    return work.waiting_for(source) if work else contextlib.nullcontext()
