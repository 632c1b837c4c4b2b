"""The write lease: for how long this worker may still write to the index."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from encoders.liveness.progress import within_deadline

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

    def renew(self, sent_at: float) -> None:
        """Note that Kafka has confirmed the heartbeat that was sent at `sent_at`, in seconds of the monotonic clock."""
        self._expires_at = max(self._expires_at, sent_at + self._session_timeout_s)

    def is_valid(self) -> bool:
        """Whether a write may begin now."""
        return self._expires_at - self._clock() >= MIN_REMAINING_S

    async def deadline(self, check_owned: Callable[[], None]) -> float:
        """When a write that begins now must have landed, in seconds of the monotonic clock.

        Waits while the lease is expired.

        Args:
            check_owned: raises when the rows are another worker's by now; called before and during the wait, and at
                its end.
        """
        # Whoever watches the consumer tells when Kafka confirms no heartbeats: here nothing hangs.
        with within_deadline():
            while not self.is_valid():
                check_owned()
                await asyncio.sleep(POLL_INTERVAL_S)
        check_owned()
        return self._expires_at
