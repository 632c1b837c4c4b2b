"""Dead letters and what came of a replay, as text and as JSON."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from streams.failures.dead_letters import REASON_GUIDES
from vitrine.terminal import printable

if TYPE_CHECKING:
    from streams.failures.dead_letter_reader import DeadLetter
    from streams.failures.dead_letter_replay import ReplayReport
    from streams.failures.reason_counts import ReasonCount

SHOWN_CHARS = 400
"""Of a value, for people."""
SHOWN_BYTES = 4 * SHOWN_CHARS
LATEST_MS = 253_402_300_799_999
"""The last moment that a `datetime` can hold."""


def replay_summary(report: ReplayReport, verb: str = "replayed") -> str:
    """What came of a replay, in a line."""
    parts = [f"{verb} {_counts(report.replayed)}"] if report.replayed else []
    if report.refused:
        parts.append(f"{_counts(report.refused)} cannot be published again")
    if report.forgotten:
        parts.append(f"{report.forgotten:,} are of forgotten people and cannot be read any more")
    if report.already_replayed:
        parts.append(f"{report.already_replayed:,} replayed before were left out (--again takes them too)")
    if not report.replayed and not report.refused:
        parts.insert(0, "nothing new to replay")
    return "; ".join(parts)


def _counts(reasons: Counter[str]) -> str:
    each = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    return f"{reasons.total():,} ({each})"


def reason_as_dict(reason: str, count: ReasonCount) -> dict[str, Any]:
    """What there is of a reason and what helps, as `vitrine dlq list --json` prints it."""
    guide = REASON_GUIDES[reason]
    return {
        "count": count.count,
        "replayed": count.replayed,
        "forgotten": count.forgotten,
        "first_time": _time(count.first_ms),
        "last_time": _time(count.last_ms),
        "meaning": guide.description,
        "replay_helps": guide.replay_helps,
        "remedy": guide.remedy,
    }


def print_reasons(reasons: dict[str, dict[str, Any]]) -> None:
    """Print a table of reasons, and what helps with each."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("reason", "count", "replayed", "forgotten", "oldest", "newest", box=box.SIMPLE_HEAD)
    for reason, entry in reasons.items():
        times = (entry[name][:16].replace("T", " ") for name in ("first_time", "last_time"))
        table.add_row(reason, f"{entry['count']:,}", f"{entry['replayed']:,}", f"{entry['forgotten']:,}", *times)
    Console().print(table)
    for reason, entry in reasons.items():
        helps = "a replay can help" if entry["replay_helps"] else "a replay does not help"
        click.echo(f"{reason}: {entry['meaning']}; {helps}: {entry['remedy']}")


_CLOSED = {
    "forgotten": "of a forgotten person: nobody can read it any more",
    "sealed": "about a person, sealed: its key is in Redis",
}


def shortened(letter: DeadLetter) -> DeadLetter:
    """The letter without what is not shown of its value, which may be megabytes."""
    return replace(letter, value=letter.value and letter.value[: SHOWN_BYTES + 1])


def print_letter(letter: DeadLetter) -> None:
    """Print a dead letter with the beginning of its value."""
    place = f"{printable(letter.topic)}[{letter.partition}]@{letter.offset}"
    if letter.state != "open":
        click.echo(f"{_time(letter.time_ms)}  {letter.reason}  {place}\n  {_CLOSED[letter.state]}\n")
        return
    key = printable((letter.key or b"").decode(errors="replace"))
    click.echo(f"{_time(letter.time_ms)}  {letter.reason}  {place}  key {key}")
    click.echo(f"  {printable(letter.error)}")
    value = (letter.value or b"").decode(errors="replace")
    click.echo(f"  {printable(value[:SHOWN_CHARS])}{'…' if len(value) > SHOWN_CHARS else ''}\n")


def letter_as_dict(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as `vitrine dlq show --json` prints it."""
    if letter.state != "open":
        letter = replace(letter, value=None)
    return {
        "reason": letter.reason,
        "state": letter.state,
        "error": letter.error,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "arrived_time": None if letter.timestamp_ms is None else _time(letter.timestamp_ms),
        "time": _time(letter.time_ms),
        "key": _text(letter.key),
        "value": _text(letter.value),
        "headers": {name: value.decode(errors="replace") for name, value in letter.headers.items()},
    }


def _text(raw: bytes | None) -> Any:
    """UTF-8 as text, other bytes as base64."""
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def _time(time_ms: int) -> str:
    if not 0 <= time_ms <= LATEST_MS:
        return f"{time_ms} ms"
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
