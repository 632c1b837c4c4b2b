"""`vitrine dlq list`, `vitrine dlq show` and `vitrine dlq replay`."""

from __future__ import annotations

import asyncio
import base64
import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from streams.failures.dead_letters import REASON_GUIDES
from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from streams.failures.dead_letter_reader import DeadLetter
    from streams.failures.dead_letter_replay import ReplayReport, ReplaySelection
    from vitrine.settings import Settings

SHOWN_CHARS = 400
SHOWN_BYTES = 4 * SHOWN_CHARS
LATEST_MS = 253_402_300_799_999
"""The last moment that a calendar of ours can hold."""
INTERRUPTED = 130
"""Exit code of what Ctrl-C ended."""

_reason = click.option("--reason", type=click.Choice(list(REASON_GUIDES)), help="Only those of this reason.")


@click.group()
def command() -> None:
    """Look at the events that could not be processed, and publish them again."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings()
def list_reasons(settings: Settings, as_json: bool) -> None:
    """Count dead letters by reason, and say what helps."""
    reasons = asyncio.run(_count(settings))
    if as_json:
        click.echo(json.dumps(reasons, indent=2))
    elif reasons:
        _print_reasons(reasons)
    else:
        click.echo("no dead letters")


@command.command()
@_reason
@click.option("-n", "number", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the whole of each message.")
@with_settings()
def show(settings: Settings, reason: str | None, number: int, as_json: bool) -> None:
    """Show dead letters, the newest last."""
    newest: list[tuple[int, int, DeadLetter]] = []
    order = itertools.count()

    def keep(letter: DeadLetter) -> None:
        if reason in (None, letter.reason):
            push = heapq.heappush if len(newest) < number else heapq.heappushpop
            push(newest, (letter.time_ms, next(order), letter if as_json else _shortened(letter)))

    asyncio.run(_read(settings, keep))
    letters = [letter for *_, letter in sorted(newest)]
    if as_json:
        click.echo(json.dumps([_as_dict(letter) for letter in letters], indent=2, ensure_ascii=False))
        return
    for letter in letters:
        _print_letter(letter)
    if not letters:
        click.echo(f"no dead letters{f' of reason {reason}' if reason else ''}")


@command.command("replay")
@_reason
@click.option("--limit", type=click.IntRange(min=1), help="So many at most, the first.")
@click.option("--again", is_flag=True, help="Also those that were replayed before.")
@click.option("--dry-run", is_flag=True, help="Only say what would be published.")
@with_settings()
def replay_letters(settings: Settings, reason: str | None, limit: int | None, again: bool, dry_run: bool) -> None:
    """Publish dead letters again, each as it was, to where it came from.

    Each is replayed once, unless asked for --again; what fails again becomes a new dead letter. May be interrupted and
    repeated at any time. The exit code is 1 if some cannot be published again.
    """
    from streams.errors import StreamError
    from streams.failures.dead_letter_replay import ReplayReport, ReplaySelection
    from vitrine.commands.events.replaying import replay_summary

    report = ReplayReport()
    try:
        _replay(settings, ReplaySelection(reason, again, limit), report, dry_run)
    except StreamError as error:
        raise click.ClickException(f"{error}; {replay_summary(report)}") from error
    except KeyboardInterrupt:
        click.echo(f"interrupted: {replay_summary(report)}; the next replay goes on from there", err=True)
        raise SystemExit(INTERRUPTED) from None
    for refusal in report.refusals:
        click.echo(_printable(refusal), err=True)
    click.echo(replay_summary(report, "would replay" if dry_run else "replayed"))
    if report.refused:
        raise SystemExit(1)


def _replay(settings: Settings, selection: ReplaySelection, report: ReplayReport, dry_run: bool) -> None:
    from vitrine.commands.events.replaying import ReplayProgressView, rehearse_replay, replay

    if dry_run:
        asyncio.run(rehearse_replay(settings, selection, report))
        return
    with ReplayProgressView(report) as view:
        asyncio.run(replay(settings, selection, report, view))


async def _count(settings: Settings) -> dict[str, dict[str, Any]]:
    """What there is of each reason, the most frequent first."""
    from streams.failures.dead_letter_replay import ReplayMarks
    from vitrine.stack.servers import kafka_servers

    marks = await ReplayMarks.load(kafka_servers(settings))
    reasons: dict[str, dict[str, Any]] = {}

    def count(letter: DeadLetter) -> None:
        time = _time(letter.time_ms)
        entry = reasons.setdefault(letter.reason, {"count": 0, "replayed": 0, "first_time": time, "last_time": time})
        entry["count"] += 1
        entry["replayed"] += marks.covers(letter)
        entry["first_time"] = min(entry["first_time"], time)
        entry["last_time"] = max(entry["last_time"], time)

    await _read(settings, count)
    for reason, entry in reasons.items():
        meaning = REASON_GUIDES[reason]
        entry |= {"meaning": meaning.description, "replay_helps": meaning.replay_helps, "remedy": meaning.remedy}
    return dict(sorted(reasons.items(), key=lambda item: -item[1]["count"]))


async def _read(settings: Settings, each: Callable[[DeadLetter], None]) -> None:
    from streams.failures.dead_letter_reader import read_dead_letters
    from vitrine.stack.servers import kafka_servers

    async for letter in read_dead_letters(kafka_servers(settings)):
        each(letter)


def _print_reasons(reasons: dict[str, dict[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("reason", "count", "replayed", "oldest", "newest", box=box.SIMPLE_HEAD)
    for reason, entry in reasons.items():
        times = (entry[name][:16].replace("T", " ") for name in ("first_time", "last_time"))
        table.add_row(reason, f"{entry['count']:,}", f"{entry['replayed']:,}", *times)
    Console().print(table)
    for reason, entry in reasons.items():
        helps = "a replay can help" if entry["replay_helps"] else "a replay does not help"
        click.echo(f"{reason}: {entry['meaning']}; {helps}: {entry['remedy']}")


def _shortened(letter: DeadLetter) -> DeadLetter:
    """The letter without what is not shown of its value, which may be megabytes."""
    return replace(letter, value=letter.value and letter.value[: SHOWN_BYTES + 1])


def _print_letter(letter: DeadLetter) -> None:
    key = _printable((letter.key or b"").decode(errors="replace"))
    place = f"{_printable(letter.topic)}[{letter.partition}]@{letter.offset}"
    click.echo(f"{_time(letter.time_ms)}  {letter.reason}  {place}  key {key}")
    click.echo(f"  {_printable(letter.error)}")
    value = (letter.value or b"").decode(errors="replace")
    click.echo(f"  {_printable(value[:SHOWN_CHARS])}{'…' if len(value) > SHOWN_CHARS else ''}\n")


def _printable(text: str) -> str:
    """The text without what could steer a terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)


def _as_dict(letter: DeadLetter) -> dict[str, Any]:
    return {
        "reason": letter.reason,
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
