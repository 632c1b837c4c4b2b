"""How many requests can be worked on at a time before they only slow each other down. Pure.

A request is compared with others of its kind, and each kind with itself in quieter times: that more photos come than
texts says nothing. While the median request takes no more than `TOLERANCE` times what it would alone, more are let in;
else fewer, in proportion.

Source: the gradient limit of Netflix's `concurrency-limits` (2018, "Performance Under Load"), after TCP Vegas (Brakmo,
O'Malley, Peterson 1994, "TCP Vegas: New Techniques for Congestion Detection and Avoidance").
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from time import monotonic

TOLERANCE = 1.5
"""How much longer than alone a request may take."""
FIRST_LIMIT, LEAST_LIMIT = 8.0, 6.0
RESTED_LIMIT = 32.0
"""What the limit comes back to while nobody waits, so that not each burst is an overload."""
WINDOW_S = 0.25
"""How long requests are gathered before the limit is adapted, at least."""
WINDOW_REQUESTS = 8
"""Of a kind with fewer requests, nothing is said yet."""
SHORTER_WEIGHT, LONGER_WEIGHT = 0.2, 0.05
"""How much of a shorter, and in quiet times of a longer median goes into what a kind is taken to take alone."""
MAX_KINDS = 64


class AdaptiveLimit:
    """The limit on requests at a time."""

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        """Args: most: what it never goes beyond."""
        self._most = float(most)
        self._clock = clock
        self._limit = min(FIRST_LIMIT, self._most)
        self._alone_s: dict[str, float] = {}
        self._took_s: dict[str, list[float]] = {}
        self._is_full = False
        self._began = clock()

    @property
    def value(self) -> int:
        """Requests at a time."""
        return int(self._limit)

    def note_full(self) -> None:
        """A request had to wait."""
        self._is_full = True

    def note(self, kind: str, took_s: float) -> None:
        """A request of a kind was worked on for so long."""
        if kind not in self._took_s and len(self._took_s) >= MAX_KINDS:
            # All of them are rare, or one would have ended the window.
            self._took_s.clear()
        took = self._took_s.setdefault(kind, [])
        took.append(took_s)
        if len(took) >= WINDOW_REQUESTS and self._clock() - self._began >= WINDOW_S:
            self._adapt()

    def _adapt(self) -> None:
        """Set the limit by the kinds that enough is known of, and begin another window."""
        known = [kind for kind, took_s in self._took_s.items() if len(took_s) >= WINDOW_REQUESTS]
        slower = [ratio for kind in known for ratio in self._compared(kind, self._took_s.pop(kind))]
        gradient = max(0.5, min(1.0, TOLERANCE / statistics.median(slower)))
        # The root is what may be tried beyond: without it, no more would ever be let in than is known to be good.
        more = self._limit + math.sqrt(self._limit)
        if self._is_full:
            self._limit = more if gradient == 1.0 else max(self._limit * gradient, LEAST_LIMIT)
        elif self._limit < RESTED_LIMIT:
            self._limit = min(more, RESTED_LIMIT)
        self._limit = min(self._limit, self._most)
        self._is_full, self._began = False, self._clock()

    def _compared(self, kind: str, took_s: list[float]) -> list[float]:
        """How many times longer than alone requests of a kind took; what it takes alone is learned."""
        median_s = statistics.median(took_s)
        alone_s = self._alone_s.get(kind, median_s)
        weight = SHORTER_WEIGHT if median_s < alone_s else 0.0 if self._is_full else LONGER_WEIGHT
        alone_s = self._alone_s[kind] = max(alone_s + weight * (median_s - alone_s), 1e-6)
        return [call_s / alone_s for call_s in took_s]
