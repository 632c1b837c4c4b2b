"""How long this worker may still write: each confirmed heartbeat gives it a little more time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

POLL_INTERVAL_S = 0.05
MIN_REMAINING_S = 1.0
"""A write is not begun with less time than this."""


class WriteLease:
    """The right to write to the index, which ends before the group can give the partitions to another worker.

    The index has no compare-and-set: a worker that was frozen, or cut off from Kafka, could write an older state over
    what the next owner of the partition has written. So a write must have landed, or been given up, within the session
    timeout of a heartbeat that Kafka has confirmed, counted from when that heartbeat was sent. A worker that wakes
    finds its lease expired, and waits until it is either confirmed or told that its partitions are gone.

    Renewed from any thread; waited for in one event loop.
    Source: Gray and Cheriton, 1989, "Leases: An Efficient Fault-Tolerant Mechanism for Distributed File Cache
    Consistency".
    """

    def __init__(self, session_timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._session_timeout_s = session_timeout_s
        self._clock = clock
        self._expires_at = float("-inf")

    def renew(self, asked_at: float) -> None:
        """Note that Kafka has confirmed the membership that was asked about at `asked_at` of the monotonic clock."""
        self._expires_at = max(self._expires_at, asked_at + self._session_timeout_s)

    def is_valid(self) -> bool:
        """Whether a write may begin now."""
        return self._expires_at - self._clock() >= MIN_REMAINING_S

    async def deadline(self, still_wanted: Callable[[], None]) -> float:
        """When a write that begins now must have landed, by the monotonic clock; waits for a heartbeat if need be.

        Args:
            still_wanted: called now and then while waiting; raises to end it.
        """
        while not self.is_valid():
            still_wanted()
            await asyncio.sleep(POLL_INTERVAL_S)
        still_wanted()
        return self._expires_at
