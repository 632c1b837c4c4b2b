"""How many decoders pictures need, by how much of the time some of them wait for one."""

from __future__ import annotations

from typing import Final

WINDOW_S: Final = 1.0
"""How often the number is looked at, in seconds: about the time that a decoder takes to start."""
GROW_SHARE: Final = 0.75
"""One more where pictures wait for longer: where the encoder is what holds, they wait for as long as decoding takes of
encoding, and more decoders would help nobody."""
SHRINK_SHARE: Final = 0.1
SHRINK_WINDOWS: Final = 30
"""One less after so many windows in a row with less waiting: starting one costs more than an idle one does."""


class WaitingShare:
    """The share of time in which something waits, and what follows from it."""

    def __init__(self, now_s: float) -> None:
        self._since_s = self._changed_s = now_s
        self._waited_s = 0.0
        self._is_waiting = False
        self._quiet_windows = 0

    def note(self, now_s: float, is_waiting: bool) -> None:
        """Note whether anything waits from now on."""
        if self._is_waiting:
            self._waited_s += now_s - self._changed_s
        self._changed_s, self._is_waiting = now_s, is_waiting

    def step(self, now_s: float) -> int:
        """By how much to change the number, after the window that ends now: 1, 0 or -1. Begins the next window."""
        self.note(now_s, self._is_waiting)
        share = self._waited_s / max(now_s - self._since_s, 1e-9)
        self._since_s, self._waited_s = now_s, 0.0
        self._quiet_windows = self._quiet_windows + 1 if share < SHRINK_SHARE else 0
        if share > GROW_SHARE:
            return 1
        if self._quiet_windows < SHRINK_WINDOWS:
            return 0
        self._quiet_windows = 0
        return -1
