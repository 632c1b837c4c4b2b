"""Replaying dead letters from the command line: with progress, and a summary of what came of it."""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import aclosing
from dataclasses import replace

from rich.console import Console

from streams.failures.dead_letter_replay import Replayer, ReplayMarks, ReplayReport, ReplaySelection, select_letters
from streams.kafka.producer import EventPublisher
from streams.topics import ensure_topics
from vitrine.settings import Settings
from vitrine.stack.servers import kafka_servers

LINE_EVERY_S = 5.0


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


async def replay(
    settings: Settings, selection: ReplaySelection, report: ReplayReport, view: ReplayProgressView
) -> None:
    """Publish the selected dead letters again, counting into `report`.

    Raises:
        StreamError: Kafka does not answer; `report` tells how many it has.
    """
    servers = kafka_servers(settings)
    await ensure_topics(replace(settings.kafka, bootstrap_servers=servers))
    marks = await ReplayMarks.load(servers)
    async with (
        EventPublisher(servers, settings.kafka.deadline_s) as publisher,
        aclosing(select_letters(servers, selection, marks, report)) as letters,
    ):
        await Replayer(publisher, marks, report, view.advanced).run(letters)


async def rehearse_replay(settings: Settings, selection: ReplaySelection, report: ReplayReport) -> None:
    """Count into `report` what `replay` would publish. Raises `KafkaUnavailable`."""
    servers = kafka_servers(settings)
    async with aclosing(select_letters(servers, selection, await ReplayMarks.load(servers), report)) as letters:
        async for letter in letters:
            report.replayed[letter.reason] += 1


def replay_summary(report: ReplayReport, verb: str = "replayed") -> str:
    """One line for people."""
    parts = [f"{verb} {_counts(report.replayed)}"] if report.replayed else []
    if report.refused:
        parts.append(f"{_counts(report.refused)} cannot be published again")
    if report.already_replayed:
        parts.append(f"{report.already_replayed:,} replayed before were left out (--again takes them too)")
    if not report.replayed and not report.refused:
        parts.insert(0, "nothing new to replay")
    return "; ".join(parts)


def _counts(reasons: Counter[str]) -> str:
    each = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    return f"{reasons.total():,} ({each})"
