"""`vitrine dlq list` and `vitrine dlq show`."""

from __future__ import annotations

import asyncio
import base64
import heapq
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from streams.dead_letter_reader import DeadLetter
    from vitrine.settings import Settings

SHOWN_CHARS = 400


@click.group()
def command() -> None:
    """Look at the events that could not be processed."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings()
def list_reasons(settings: Settings, as_json: bool) -> None:
    """Count dead letters by reason."""
    reasons: dict[str, dict[str, Any]] = {}

    def count(letter: DeadLetter) -> None:
        entry = reasons.setdefault(letter.reason, {"count": 0, "last_time": ""})
        entry["count"] += 1
        entry["last_time"] = max(entry["last_time"], _time(letter.time_ms))

    asyncio.run(_read(settings, count))
    if as_json:
        click.echo(json.dumps(reasons, indent=2))
    elif reasons:
        _print_reasons(reasons)
    else:
        click.echo("no dead letters")


@command.command()
@click.option("--reason", help="Only those of this reason.")
@click.option("-n", "number", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings()
def show(settings: Settings, reason: str | None, number: int, as_json: bool) -> None:
    """Show dead letters, the newest last."""
    newest: list[tuple[int, int, DeadLetter]] = []
    order = itertools.count()

    def keep(letter: DeadLetter) -> None:
        if reason in (None, letter.reason):
            push = heapq.heappush if len(newest) < number else heapq.heappushpop
            push(newest, (letter.time_ms, next(order), letter))

    asyncio.run(_read(settings, keep))
    letters = [letter for *_, letter in sorted(newest)]
    if as_json:
        click.echo(json.dumps([_as_dict(letter) for letter in letters], indent=2, ensure_ascii=False))
        return
    for letter in letters:
        _print_letter(letter)
    if not letters:
        click.echo(f"no dead letters{f' of reason {reason}' if reason else ''}")


async def _read(settings: Settings, each: Callable[[DeadLetter], None]) -> None:
    from streams.dead_letter_reader import read_dead_letters
    from vitrine.servers import kafka_servers

    async for letter in read_dead_letters(kafka_servers(settings), settings.kafka.deadline_s):
        each(letter)


def _print_reasons(reasons: dict[str, dict[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("reason", "count", "last", box=box.SIMPLE_HEAD)
    for reason, entry in sorted(reasons.items(), key=lambda item: -item[1]["count"]):
        table.add_row(reason, f"{entry['count']:,}", entry["last_time"])
    Console().print(table)


def _print_letter(letter: DeadLetter) -> None:
    key = (letter.key or b"").decode(errors="replace")
    click.echo(
        f"{_time(letter.time_ms)}  {letter.reason}  {letter.topic}[{letter.partition}]@{letter.offset}  key {key}"
    )
    click.echo(f"  {letter.error}")
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
        "time": _time(letter.time_ms),
        "key": _text("key", letter.key),
        "value": _text("value", letter.value),
        "headers": {name: value.decode(errors="replace") for name, value in letter.headers.items()},
    }


def _text(name: str, raw: bytes | None) -> Any:
    """UTF-8 as text, other bytes as base64."""
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
