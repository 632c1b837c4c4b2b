"""`vitrine duplicates`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from vitrine.commands.options import with_settings
from vitrine.terminal import cell, json_text

if TYPE_CHECKING:
    from indexer.labels.duplicate_report import DuplicateReport
    from vitrine.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings()
def command(settings: Settings, as_json: bool) -> None:
    """List products that look like the same goods listed twice.

    Their pictures are all but the same, their titles say the same, and nothing that they state contradicts. Variants
    of one group are no duplicates.
    """
    from indexer.errors import IndexerError
    from vitrine.errors import VitrineError
    from vitrine.stack.servers import with_server_addresses

    try:
        generation, report = asyncio.run(_find_duplicates(with_server_addresses(settings)))
    except IndexerError as error:
        raise VitrineError(str(error)) from error
    if as_json:
        click.echo(json_text(_as_json(generation, report)))
    else:
        _print(generation, report)


async def _find_duplicates(settings: Settings) -> tuple[str, DuplicateReport]:
    """The active generation's name, and the duplicates in it."""
    from encoders.spec import EmbeddingSpec
    from indexer.labels.duplicate_report import find_duplicates
    from indexer.milvus.store import open_store_to_read
    from vitrine.generations.active import active_generation

    active = await active_generation(settings)
    store = await open_store_to_read(settings.milvus, active)
    try:
        spec = EmbeddingSpec.from_key(active.encoder, active.dim)
        return active.collection, await find_duplicates(store, spec, settings.labelling.picture_similarity)
    finally:
        await store.close()


def _as_json(generation: str, report: DuplicateReport) -> dict[str, object]:
    groups = [
        [{"product_id": product_id, "title": report.titles[product_id]} for product_id in group]
        for group in report.groups
    ]
    return {"generation": generation, "products": report.products, "groups": groups}


def _print(generation: str, report: DuplicateReport) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("", "product", "title", box=box.SIMPLE_HEAD)
    for number, group in enumerate(report.groups, start=1):
        for position, product_id in enumerate(group):
            table.add_row("" if position else str(number), cell(product_id), cell(report.titles[product_id]))
    if report.groups:
        console.print(table)
    console.print(f"{len(report.groups):,} groups among {report.products:,} products of {generation}", style="dim")
