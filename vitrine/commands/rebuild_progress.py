"""How far a rebuild has come, as people see it: a line every few seconds, so that it reads as well in a log."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

LINE_EVERY_S = 2.0


class CopyProgressText:
    """How far a copy has come, how fast it goes, and why it goes no faster."""

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: share: of the time, in (0, 1], that copying works; clock: seconds."""
        self._share = share
        self._clock = clock
        self._first: tuple[int, float] | None = None
        self._last_s = float("-inf")

    def line(self, done: int, total: int) -> str | None:
        """What to print when `done` of `total` products are copied; None when the last line is not old enough."""
        now = self._clock()
        first, first_s = self._first = self._first or (done, now)
        if now - self._last_s < LINE_EVERY_S and done < total:
            return None
        self._last_s = now
        rate = (done - first) / max(1e-9, now - first_s)
        return f"copied {done:,} of {total:,} products{self._left(total - done, rate)}"

    def _left(self, products: int, rate: float) -> str:
        if not products or not rate:
            return ""
        left = f", {products / rate:.0f} s left at {rate:.0f}/s"
        if self._share == 1:
            return left
        return f"{left}: works {self._share:.0%} of the time so that searches stay fast; --share 1 works all of it"


class RebuildProgressView:
    """Prints how a rebuild or a rollback comes on; implements `RebuildProgress`."""

    def __init__(self, share: float = 1.0) -> None:
        """Args: share: of the time, in (0, 1], that copying works."""
        self._copying = CopyProgressText(share)
        self._printed_s = float("-inf")

    def say(self, text: str) -> None:
        """Print what happened."""
        click.echo(text)

    def copied(self, done: int, total: int) -> None:
        """Print how far the copy is, now and then."""
        if line := self._copying.line(done, total):
            click.echo(line)

    def behind(self, events: int) -> None:
        """Print how many events the generation lacks, now and then."""
        now = time.monotonic()
        if now - self._printed_s >= LINE_EVERY_S:
            self._printed_s = now
            click.echo(f"following: {events:,} events behind")
