"""A clock that stands while the event loop does: what did not run cannot have made progress."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Final

TICK_S: Final = 0.5
GRACE_S: Final = 1.0
"""The most that one tick counts for. What is more is a loop that was blocked, or a process that was frozen."""
BLOCKED_S: Final = 5.0
"""A loop that has not ticked for so long is logged, with what blocks it."""

log = logging.getLogger(__name__)


class LoopClock:
    """Seconds during which the event loop has run.

    A process that was frozen, or a loop that was blocked, would otherwise find all of its parts late when it goes on,
    and be restarted for it just as it recovers. Until `run` has begun it is the monotonic clock.
    """

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, tick_s: float = TICK_S, blocked_s: float = BLOCKED_S
    ) -> None:
        """Set the clock.

        Args:
            monotonic: seconds, whether the loop runs or not.
            tick_s: how often the loop ticks.
            blocked_s: a loop that has not ticked for so long is blocked.
        """
        self._monotonic = monotonic
        self._tick_s = tick_s
        self._blocked_s = blocked_s
        self._elapsed_s = 0.0
        self._ticked_at: float | None = None
        self.delay_s = 0.0
        """By how much the last tick was late: how long the loop was busy with one thing."""

    def __call__(self) -> float:
        """Seconds, from any beginning."""
        if self._ticked_at is None:
            return self._monotonic()
        return self._elapsed_s + min(self._monotonic() - self._ticked_at, GRACE_S)

    @property
    def silent_s(self) -> float:
        """How long ago the loop ticked last; to be asked from another thread. 0 before it has."""
        return 0.0 if self._ticked_at is None else self._monotonic() - self._ticked_at

    def tick(self) -> None:
        """Note that the loop runs."""
        now = self()
        if self._ticked_at is not None:
            self.delay_s = max(0.0, self._monotonic() - self._ticked_at - self._tick_s)
        self._elapsed_s, self._ticked_at = now, self._monotonic()

    async def run(self) -> None:
        """Tick until cancelled; meanwhile a thread logs where the loop is blocked."""
        self.tick()
        ended = threading.Event()
        watch = threading.Thread(target=self._log_blocks, args=(threading.get_ident(), ended), daemon=True)
        watch.start()
        try:
            while True:
                await asyncio.sleep(self._tick_s)
                self.tick()
        finally:
            ended.set()

    def _log_blocks(self, loop_thread: int, ended: threading.Event) -> None:
        logged = False
        while not ended.wait(self._blocked_s / 4):
            if self.silent_s < self._blocked_s:
                logged = False
            elif not logged:
                logged = True
                frame = sys._current_frames().get(loop_thread)
                where = "".join(traceback.format_stack(frame)[-6:]) if frame else ""
                log.error("event_loop_blocked", extra={"silent_s": round(self.silent_s, 1), "where": where})
