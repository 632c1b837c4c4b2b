"""Publishing a file: prepared rows to Kafka at a bounded rate, with progress and a report of what was rejected."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from streams.errors import InvalidEvent
from streams.files.row_events import PreparedEvent
from streams.files.rows import RejectedRow
from streams.kafka.producer import BulkSender, EventPublisher

REJECTIONS_SHOWN = 20
CHUNK_ROWS = 32
"""Rows prepared at a time, in a thread, so that sending goes on meanwhile."""
LINE_EVERY_S = 5.0


@dataclass(slots=True)
class PublishReport:
    """What came of a file.

    Attributes:
        published: events that every in-sync replica has.
        rejected: rows that were not published.
        seconds: how long it took.
    """

    published: int = 0
    rejected: int = 0
    started_s: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    @property
    def summary(self) -> str:
        """One line for people."""
        rate = self.published / max(self.seconds, 1e-9)
        return (
            f"published {self.published:,}, rejected {self.rejected:,} in {self.seconds:.1f} s ({rate:,.0f} events/s)"
        )


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

    def advanced(self, done: float) -> None:
        """Show how far the file has been sent, 0 to 1."""
        counts = f"{self._report.published:,} published, {self._report.rejected:,} rejected"
        self._bar.update(self._task, completed=done, counts=counts)
        if not self._console.is_terminal and time.monotonic() - self._last_line_s >= LINE_EVERY_S:
            self._last_line_s = time.monotonic()
            print(f"{done:4.0%}  {counts}", file=sys.stderr, flush=True)


async def publish_all(
    outcomes: Iterator[PreparedEvent | RejectedRow],
    publisher: EventPublisher,
    view: PublishProgressView,
    report: PublishReport,
    rate: float | None,
) -> None:
    """Publish what was prepared, counting into `report`; returns once all of it is acknowledged.

    Args:
        rate: events/s at most; None: as fast as Kafka takes them.

    Raises:
        PublishFailed: Kafka stopped taking events; `report` tells how many it has.
        UnreadableFile: the file cannot be read any further.
    """

    def acknowledged(count: int) -> None:
        report.published += count

    sender = BulkSender(publisher, acknowledged)
    pace = _Pace(rate)
    try:
        while chunk := await asyncio.to_thread(lambda: list(itertools.islice(outcomes, CHUNK_ROWS))):
            for outcome in chunk:
                await _handle(outcome, sender, pace, view, report)
            view.advanced(max((one.fraction_read for one in chunk if isinstance(one, PreparedEvent)), default=0.0))
        await sender.wait_delivered()
        view.advanced(1.0)
    finally:
        report.seconds = time.monotonic() - report.started_s


async def _handle(
    outcome: PreparedEvent | RejectedRow,
    sender: BulkSender,
    pace: _Pace,
    view: PublishProgressView,
    report: PublishReport,
) -> None:
    if isinstance(outcome, PreparedEvent):
        await pace.next()
        try:
            await sender.send(outcome.topic, outcome.event)
            return
        except InvalidEvent as error:
            outcome = RejectedRow(outcome.line, str(error))
    report.rejected += 1
    view.rejected(outcome)


class _Pace:
    """Lets events through at an even rate."""

    def __init__(self, rate: float | None) -> None:
        self._interval_s = 1 / rate if rate else 0.0
        self._due_s = time.monotonic()

    async def next(self) -> None:
        now = time.monotonic()
        if self._due_s > now:
            await asyncio.sleep(self._due_s - now)
        # A pause is not made up for by a burst.
        self._due_s = max(self._due_s, now - 1.0) + self._interval_s
