"""How far a command has come, as people see it: something that moves on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from streams.failures.dead_letter_replay import ReplayReport
from streams.files.rows import RejectedRow
from streams.files.sending import PublishReport
from vitrine.terminal import printable

REJECTIONS_SHOWN = 20
LINE_EVERY_S = 5.0
REBUILD_LINE_EVERY_S = 2.0


class PublishProgressView:
    """A progress bar on a terminal, a line every few seconds elsewhere; rejections above it. Writes to stderr."""

    def __init__(self, report: PublishReport, place: Callable[[int], str] = lambda line: f"line {line}") -> None:
        """Args: report: what is counted; place: says where a line is."""
        self._report = report
        self._place = place
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        columns = (TextColumn("publishing"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[counts]}"))
        self._bar = Progress(
            *columns, TimeElapsedColumn(), console=self._console, disable=not self._console.is_terminal
        )
        self._task = self._bar.add_task("publish", total=1.0, counts="")
        self._last_line_s = time.monotonic()

    def __enter__(self) -> PublishProgressView:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._report.rejected > REJECTIONS_SHOWN:
            self._console.print(f"… and {self._report.rejected - REJECTIONS_SHOWN:,} more rows rejected", markup=False)

    def rejected(self, rejection: RejectedRow) -> None:
        """Show a rejected row, unless many were shown."""
        if self._report.rejected <= REJECTIONS_SHOWN:
            self._console.print(
                f"{printable(self._place(rejection.line))}: {printable(rejection.reason)}", markup=False
            )

    def advanced(self, fraction: float) -> None:
        """Show how far the file has been sent, 0 to 1."""
        counts = f"{self._report.published:,} published, {self._report.rejected:,} rejected"
        self._bar.update(self._task, completed=fraction, counts=counts)
        if not self._console.is_terminal and time.monotonic() - self._last_line_s >= LINE_EVERY_S:
            self._last_line_s = time.monotonic()
            print(f"{fraction:4.0%}  {counts}", file=sys.stderr, flush=True)


class StatusLine:
    """A line that moves on a terminal, a new one every few seconds elsewhere. Writes to stderr."""

    def __init__(self, verb: str) -> None:
        """Args: verb: what is being done, such as `exporting`."""
        self._verb = verb
        console = Console(stderr=True, highlight=False)
        self._status = console.status(verb) if console.is_terminal else None
        self._last_line_s = time.monotonic()

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def show(self, counts: str) -> None:
        """Show how far it has come."""
        line = f"{self._verb}: {counts}"
        if self._status:
            self._status.update(line)
        elif time.monotonic() - self._last_line_s >= LINE_EVERY_S:
            self._last_line_s = time.monotonic()
            print(line, file=sys.stderr, flush=True)


class ProductCountView(StatusLine):
    """Shows a count of products that grows."""

    def __call__(self, count: int) -> None:
        """Show how many there are by now."""
        self.show(f"{count:,} products")


class ReplayProgressView(StatusLine):
    """Shows how many dead letters were looked at, and how many replayed."""

    def __init__(self, report: ReplayReport) -> None:
        super().__init__("replaying")
        self._report = report

    def advanced(self) -> None:
        """Show how far the replay has come."""
        self.show(f"{self._report.replayed.total():,} replayed, {self._report.seen:,} dead letters looked at")


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
        if now - self._last_s < REBUILD_LINE_EVERY_S and done < total:
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
        if now - self._printed_s >= REBUILD_LINE_EVERY_S:
            self._printed_s = now
            click.echo(f"following: {events:,} events behind")
