"""Sending the events of a file to Kafka: at a bounded rate, with a report of what was published and rejected."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from streams.errors import InvalidEvent
from streams.files.prepared_events import PreparedEvent
from streams.files.rows import RejectedRow
from streams.kafka.producer import BulkSender, EventPublisher

CHUNK_ROWS = 32
"""Rows prepared at a time, in a thread, while those before are being sent."""
MAX_CATCH_UP_S = 1.0
"""Of a pause longer than this, only so much is made up for by sending faster than the rate."""


@dataclass(slots=True)
class PublishReport:
    """What came of a file.

    Attributes:
        published: events that every in-sync replica has.
        withdrawn: products that were deleted; not among those published, once all is delivered.
        rejected: rows that were not published.
        started_s: on the monotonic clock.
        seconds: how long it took.
    """

    published: int = 0
    withdrawn: int = 0
    rejected: int = 0
    started_s: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    @property
    def summary(self) -> str:
        """One line for people."""
        rate = self.published / max(self.seconds, 1e-9)
        withdrawn = f"withdrew {self.withdrawn:,}, " if self.withdrawn else ""
        done = f"published {self.published:,}, {withdrawn}rejected {self.rejected:,}"
        return f"{done} in {self.seconds:.1f} s ({rate:,.0f} events/s)"


class SendingProgress(Protocol):
    """Is told how sending goes, in the event loop's thread."""

    def rejected(self, rejection: RejectedRow) -> None:
        """A row was not published; the report counts it already."""
        ...

    def advanced(self, fraction: float) -> None:
        """So much of the file has been sent, 0 to 1."""
        ...


async def send_events(
    outcomes: Iterator[PreparedEvent | RejectedRow],
    publisher: EventPublisher,
    progress: SendingProgress,
    report: PublishReport,
    rate: float | None,
) -> None:
    """Publish what was prepared, counting into `report`; returns once all of it is acknowledged.

    Args:
        outcomes: the events of a file, and the rows that none could be made of; read in a thread.
        publisher: where the events go.
        progress: is told of rejected rows, and how far it has come.
        report: is counted into, also when this raises.
        rate: events/s at most; None: as fast as Kafka takes them.

    Raises:
        PublishFailed: Kafka stopped taking events.
        UnreadableFile: the file cannot be read any further.
    """

    def acknowledged(count: int) -> None:
        report.published += count

    sender = BulkSender(publisher, acknowledged)
    limiter = _RateLimiter(rate)
    withdrawals = 0
    try:
        while chunk := await asyncio.to_thread(lambda: list(itertools.islice(outcomes, CHUNK_ROWS))):
            for outcome in chunk:
                rejection = await _send(outcome, sender, limiter)
                if rejection is not None:
                    report.rejected += 1
                    progress.rejected(rejection)
            events = [outcome for outcome in chunk if isinstance(outcome, PreparedEvent)]
            withdrawals += sum(event.is_withdrawal for event in events)
            progress.advanced(max((event.fraction_read for event in events), default=0.0))
        await sender.wait_delivered()
        report.withdrawn, report.published = withdrawals, report.published - withdrawals
        progress.advanced(1.0)
    finally:
        report.seconds = time.monotonic() - report.started_s


async def _send(outcome: PreparedEvent | RejectedRow, sender: BulkSender, limiter: _RateLimiter) -> RejectedRow | None:
    """Send an event; the row if it is rejected."""
    if isinstance(outcome, RejectedRow):
        return outcome
    await limiter.wait()
    try:
        await sender.send(outcome.topic, outcome.event)
    except InvalidEvent as error:
        return RejectedRow(outcome.line, str(error))
    return None


class _RateLimiter:
    """Lets events through at an even rate."""

    def __init__(self, rate: float | None) -> None:
        """Args: rate: events/s; None: without a bound."""
        self._interval_s = 1 / rate if rate else 0.0
        self._due_s = time.monotonic()

    async def wait(self) -> None:
        """Wait until the next event may go."""
        now = time.monotonic()
        if self._due_s > now:
            await asyncio.sleep(self._due_s - now)
        self._due_s = max(self._due_s, now - MAX_CATCH_UP_S) + self._interval_s
