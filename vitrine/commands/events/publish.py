"""`vitrine publish products` and `vitrine publish events`."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from streams.files.prepared_events import PreparedEvent
    from streams.files.rows import RejectedRow
    from streams.files.sending import PublishReport, SendingProgress
    from vitrine.settings import Settings

_FILE = click.Path(exists=True, path_type=Path)
_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Publish products or shoppers' events from files of tables."""


def _file_options(publish: Callable[..., Any]) -> Callable[..., Any]:
    """The argument and options that both kinds of file take."""
    publish = click.option("--encoding", help="Of a CSV (default: UTF-8, else what makes sense of its letters).")(
        publish
    )
    publish = click.option("--map", "pairs", multiple=True, metavar="OURS=THEIRS", help="A column of another name.")(
        publish
    )
    publish = click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Events a second at most.")(
        publish
    )
    return click.argument("file", type=_FILE)(publish)


@command.command()
@_file_options
@click.option("--images", type=_DIRECTORY, help="Where the paths of pictures start.")
@click.option(
    "--decimal", type=click.Choice([".", ","]), help="What parts a price's decimals (default: by its column)."
)
@click.option("--from", "platform", metavar="NAME", help="Whose export it is (default: by its columns); or table.")
@click.option("--complete", is_flag=True, help="The file is the whole catalogue: products that it lacks are withdrawn.")
@click.option("--withdraw-at-most", type=click.IntRange(min=0), metavar="N", help="Products that may go at once.")
@click.option("--strict", is_flag=True, help="What was not understood is an error, too.")
@click.option("--dates", type=click.Choice(["dmy", "mdy", "ymd"]), help="A date's order (default: by its column).")
@with_settings()
def products(
    settings: Settings,
    file: Path,
    images: Path | None,
    rate: float | None,
    pairs: tuple[str, ...],
    encoding: str | None,
    decimal: str | None,
    dates: str | None,
    platform: str | None,
    strict: bool,
    complete: bool,
    withdraw_at_most: int | None,
) -> None:
    """Publish a catalogue.

    FILE is CSV, TSV, XLSX, XML, JSON, JSON Lines or Parquet, or one of these in .gz or .zip, or a directory of such
    files of one kind. Exports of woocommerce,
    shopify, magento, prestashop, bigcommerce, google and schema.org are known by their columns. Of other tables, usual
    column names are understood (id, sku, asin; title, name; image, images; …), unknown ones become attributes. How
    prices and dates are written is seen from all rows. Rows that cannot be published are named, and the others are;
    the exit code is then 1.

    Drafts and hidden products are withdrawn; with --complete also products, once published from a file, that this one
    lacks. Where over 20 and over a fifth of all would go, none does, unless --withdraw-at-most allows it.
    """
    from streams.files.catalogue import Catalogue
    from streams.files.conventions.survey import Conventions
    from streams.files.local_media import LocalMedia
    from streams.files.prepared_events import EventClock
    from vitrine.commands.events.withdrawing import complete_feed, withdrawals

    there = complete_feed(settings) if complete else None
    clock = EventClock()
    catalogue = Catalogue(file, encoding, _renames(pairs), Conventions(decimal, dates), _say, _platform(platform))
    products_first = catalogue.events(LocalMedia(images).resolve, clock)
    then = withdrawals(settings, catalogue, there, withdraw_at_most, clock, _say)
    report = _publish(settings, itertools.chain(products_first, then), rate, catalogue.place)
    for line in catalogue.notice.lines():
        _say(line)
    _fail_if(report.rejected + catalogue.withheld + (catalogue.notice.faults if strict else 0))


@command.command()
@_file_options
@with_settings()
def events(settings: Settings, file: Path, rate: float | None, pairs: tuple[str, ...], encoding: str | None) -> None:
    """Publish shoppers' events: rows of type, user_id, product_id, time, … or CloudEvents, one a line."""
    from streams.files.prepared_events import EventClock
    from streams.files.shopper_rows import shopper_events
    from streams.files.table_directory import open_table

    table = open_table(file, encoding)
    report = _publish(settings, shopper_events(table.rows(), _renames(pairs), EventClock()), rate, table.place)
    _fail_if(report.rejected)


def _fail_if(faults: int) -> None:
    """End with exit code 1 where there are faults."""
    if faults:
        raise SystemExit(1)


def _say(line: str) -> None:
    """Tell people something about the file; the result alone goes to stdout."""
    from vitrine.terminal import printable

    click.echo(printable(line), err=True)


def _platform(name: str | None) -> str | None:
    """The platform of `--from`; empty for `table`."""
    from streams.files.platforms.profile import NAMES

    if name is None or name in NAMES:
        return name
    if name != "table":
        known = f"{', '.join(NAMES)}, or table for a file of no platform"
        raise click.BadParameter(f"{name!r} is none of {known}", param_hint="--from")
    return ""


def _renames(pairs: tuple[str, ...]) -> dict[str, str]:
    from streams.files.columns.names import parse_column_map

    try:
        return parse_column_map(pairs)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--map") from error


def _publish(
    settings: Settings,
    outcomes: Iterator[PreparedEvent | RejectedRow],
    rate: float | None,
    place: Callable[[int], str],
) -> PublishReport:
    from streams.errors import StreamError
    from streams.files.memory_bound import bounded_memory
    from streams.files.sending import PublishReport
    from vitrine.commands.progress import PublishProgressView

    report = PublishReport()
    try:
        with PublishProgressView(report, place) as view, bounded_memory():
            asyncio.run(_send(settings, outcomes, rate, view, report))
    except MemoryError as error:
        raise click.ClickException(f"a row needs more memory than publishing may take; {report.summary}") from error
    except StreamError as error:
        raise click.ClickException(f"{error}; {report.summary}") from error
    click.echo(report.summary)
    return report


async def _send(
    settings: Settings,
    outcomes: Iterator[PreparedEvent | RejectedRow],
    rate: float | None,
    progress: SendingProgress,
    report: PublishReport,
) -> None:
    from encoders.tracing.opening import open_tracer
    from streams.files.sending import send_events
    from streams.kafka.producer import EventPublisher
    from vitrine.stack.servers import reachable_kafka

    with open_tracer(settings.traces, "vitrine-publish") as tracer:
        async with EventPublisher(reachable_kafka(settings), tracer=tracer) as publisher:
            await send_events(outcomes, publisher, progress, report, rate)
