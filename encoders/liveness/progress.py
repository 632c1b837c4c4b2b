"""What is under way in one part of a worker, and when it last made progress. Idle is not stuck."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar


class Activity:
    """One thing under way: a batch, a round of a loop, a request."""

    def __init__(self, what: str, pulse: Pulse, clock: Callable[[], float]) -> None:
        self.what = what
        """What it is doing, for people."""
        self.beat_at = clock()
        """When it last made progress itself, in seconds of the clock."""
        self.deadlines = 0
        """How many things it waits for that end by a deadline of their own."""
        self.queues = 0
        """How many things it waits for that other work of its part has to finish first."""
        self._pulse = pulse
        self._clock = clock

    def beat(self, what: str | None = None) -> None:
        """Note progress.

        Args:
            what: what it does now; None: as before.
        """
        self.beat_at = self._clock()
        self.what = what or self.what

    def last_progress(self) -> float:
        """When it last made progress; infinite while it waits for what has a deadline of its own."""
        if self.deadlines:
            return float("inf")
        return max(self.beat_at, self._pulse.last_progress()) if self.queues else self.beat_at


class Pulse:
    """What one part of a worker is doing: any number of things at once, or nothing."""

    def __init__(
        self, part: str, bound_s: float, clock: Callable[[], float] = time.monotonic, needed: bool = True
    ) -> None:
        """Describe a part.

        Args:
            part: its name, for people and metrics.
            bound_s: so long may what is under way make no progress.
            clock: seconds.
            needed: whether its worker is not ready while it is slow.
        """
        self.part = part
        self.bound_s = bound_s
        self.needed = needed
        self._clock = clock
        self._work: set[Activity] = set()
        self._ended_at = clock()

    @contextlib.contextmanager
    def busy(self, what: str) -> Iterator[Activity]:
        """Something is under way. Within, `progress` and its kin are about it, in tasks that are started there too."""
        work = Activity(what, self, self._clock)
        self._work.add(work)
        token = _current.set(work)
        try:
            yield work
        finally:
            _current.reset(token)
            self._work.discard(work)
            self._ended_at = self._clock()

    def last_progress(self) -> float:
        """When anything here last made progress, or ended; infinite while anything waits for a deadline."""
        if any(work.deadlines for work in self._work):
            return float("inf")
        return max([self._ended_at, *(work.beat_at for work in self._work)])

    def silent_s(self, excused_until: float = float("-inf")) -> float:
        """For how long the slowest thing under way has made no progress, 0 while idle.

        Args:
            excused_until: time before this does not count.
        """
        since = min((work.last_progress() for work in self._work), default=float("inf"))
        return max(0.0, self._clock() - max(since, excused_until))

    def slowest(self) -> str:
        """What has made no progress for longest; empty while idle."""
        return min(self._work, key=Activity.last_progress).what if self._work else ""


_current: ContextVar[Activity | None] = ContextVar("work", default=None)
"""The work that the running task belongs to."""


def progress(what: str | None = None) -> None:
    """Note progress of the work that this is part of; without any, nothing is noted."""
    if work := _current.get():
        work.beat(what)


@contextlib.contextmanager
def within_deadline() -> Iterator[None]:
    """The work that this is part of waits for something that ends by a deadline of its own, however long that is."""
    work = _current.get()
    if work is None:
        yield
        return
    work.deadlines += 1
    try:
        yield
    finally:
        work.deadlines -= 1
        work.beat()


@contextlib.contextmanager
def behind_others() -> Iterator[None]:
    """The work that this is part of waits for other work of the same part, such as for a lock that it holds."""
    work = _current.get()
    if work is None:
        yield
        return
    work.queues += 1
    try:
        yield
    finally:
        work.queues -= 1
        work.beat()
