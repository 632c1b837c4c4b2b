"""How far a command has come, as people see it: something that moves on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from streams.failures.dead_letter_replay import ReplayReport
from streams.files.rows import RejectedRow
from streams.files.sending import PublishReport

REJECTIONS_SHOWN = 20
LINE_EVERY_S = 5.0


class PublishProgressView:
    """A progress bar on a terminal, a line every few seconds elsewhere; rejections above it. Writes to stderr."""

    def __init__(self, report: PublishReport) -> None:
        self._report = report
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
            self._console.print(f"line {rejection.line}: {rejection.reason}", markup=False)

    def advanced(self, fraction: float) -> None:
        """Show how far the file has been sent, 0 to 1."""
        counts = f"{self._report.published:,} published, {self._report.rejected:,} rejected"
        self._bar.update(self._task, completed=fraction, counts=counts)
        if not self._console.is_terminal and time.monotonic() - self._last_line_s >= LINE_EVERY_S:
            self._last_line_s = time.monotonic()
            print(f"{fraction:4.0%}  {counts}", file=sys.stderr, flush=True)


class ReplayProgressView:
    """A line that moves on a terminal, a new one every few seconds elsewhere. Writes to stderr."""

    def __init__(self, report: ReplayReport) -> None:
        self._report = report
        console = Console(stderr=True, highlight=False)
        self._status = console.status("replaying") if console.is_terminal else None
        self._last_line_s = time.monotonic()

    def __enter__(self) -> ReplayProgressView:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def advanced(self) -> None:
        """Show how far the replay has come."""
        counts = f"{self._report.replayed.total():,} replayed, {self._report.seen:,} dead letters looked at"
        if self._status:
            self._status.update(f"replaying: {counts}")
        elif time.monotonic() - self._last_line_s >= LINE_EVERY_S:
            self._last_line_s = time.monotonic()
            print(counts, file=sys.stderr, flush=True)
