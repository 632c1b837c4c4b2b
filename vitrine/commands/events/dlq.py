"""`vitrine dlq list`, `vitrine dlq show` and `vitrine dlq replay`."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from streams.failures.dead_letters import REASON_GUIDES
from vitrine.commands.events.dead_letter_output import (
    letter_as_dict,
    print_letter,
    print_reasons,
    reason_as_dict,
    replay_summary,
    shortened,
)
from vitrine.commands.options import with_settings
from vitrine.terminal import json_text, printable

if TYPE_CHECKING:
    from streams.config import KafkaConfig
    from streams.failures.dead_letter_reader import DeadLetter
    from streams.failures.dead_letter_replay import ReplayReport, ReplaySelection
    from streams.failures.reason_counts import ReasonCount
    from vitrine.settings import Settings

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
    from streams.failures.reason_counts import count_by_reason
    from vitrine.commands.events.letter_keys import letter_keys
    from vitrine.stack.servers import reachable_kafka

    async def count() -> dict[str, ReasonCount]:
        async with letter_keys(settings) as keys:
            return await count_by_reason(reachable_kafka(settings), keys.open_if_possible)

    counts = asyncio.run(count())
    reasons = {reason: reason_as_dict(reason, count) for reason, count in counts.items()}
    if as_json:
        click.echo(json.dumps(reasons, indent=2))
    elif reasons:
        print_reasons(reasons)
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
            push(newest, (letter.time_ms, next(order), letter if as_json else shortened(letter)))

    asyncio.run(_read(settings, keep))
    letters = [letter for *_, letter in sorted(newest)]
    if as_json:
        click.echo(json_text([letter_as_dict(letter) for letter in letters]))
        return
    for letter in letters:
        print_letter(letter)
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
    from indexer.errors import IndexerError
    from streams.errors import StreamError
    from streams.failures.dead_letter_replay import ReplayReport, ReplaySelection

    report = ReplayReport()
    try:
        _replay(settings, ReplaySelection(reason, again, limit), report, dry_run)
    except (StreamError, IndexerError) as error:
        raise click.ClickException(f"{error}; {replay_summary(report)}") from error
    except KeyboardInterrupt:
        click.echo(f"interrupted: {replay_summary(report)}; the next replay goes on from there", err=True)
        raise SystemExit(INTERRUPTED) from None
    for refusal in report.refusals:
        click.echo(printable(refusal), err=True)
    click.echo(replay_summary(report, "would replay" if dry_run else "replayed"))
    if report.refused:
        raise SystemExit(1)


def _replay(settings: Settings, selection: ReplaySelection, report: ReplayReport, dry_run: bool) -> None:
    from streams.failures.dead_letter_replay import rehearse_replay
    from vitrine.commands.events.letter_keys import letter_keys
    from vitrine.commands.progress import ReplayProgressView
    from vitrine.stack.servers import reachable_kafka

    kafka = reachable_kafka(settings)
    if dry_run:

        async def rehearse() -> None:
            async with letter_keys(settings) as keys:
                await rehearse_replay(kafka, selection, keys.opener, report)

        asyncio.run(rehearse())
        return
    with ReplayProgressView(report) as view:
        asyncio.run(_publish_again(settings, kafka, selection, report, view.advanced))


async def _publish_again(
    settings: Settings,
    kafka: KafkaConfig,
    selection: ReplaySelection,
    report: ReplayReport,
    on_progress: Callable[[], None],
) -> None:
    from streams.failures.dead_letter_replay import replay_dead_letters
    from streams.topics import ensure_topics
    from vitrine.commands.events.letter_keys import letter_keys

    await ensure_topics(kafka)
    async with letter_keys(settings) as keys:
        await replay_dead_letters(kafka, selection, keys.opener, report, on_progress)


async def _read(settings: Settings, each: Callable[[DeadLetter], None]) -> None:
    from streams.failures.dead_letter_reader import read_dead_letters
    from vitrine.commands.events.letter_keys import letter_keys
    from vitrine.stack.servers import reachable_kafka

    async with letter_keys(settings) as keys:
        async for letter in read_dead_letters(reachable_kafka(settings)):
            each(await keys.open_if_possible(letter))
