"""`vitrine duplicates`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from vitrine.commands.index.duplicate_report import DuplicateReport
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
    from vitrine.commands.index.duplicate_report import find_duplicates
    from vitrine.errors import VitrineError
    from vitrine.stack.servers import with_server_addresses

    try:
        found = asyncio.run(find_duplicates(with_server_addresses(settings)))
    except IndexerError as error:
        raise VitrineError(str(error)) from error
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    else:
        _print(found)


def _as_json(found: DuplicateReport) -> dict[str, object]:
    listed = [[{"product_id": one, "title": found.titles[one]} for one in some] for some in found.groups]
    return {"generation": found.generation, "products": found.products, "groups": listed}


def _print(found: DuplicateReport) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table("", "product", "title", box=box.SIMPLE_HEAD)
    for number, some in enumerate(found.groups, start=1):
        for at, product_id in enumerate(some):
            table.add_row("" if at else str(number), product_id, Text(found.titles[product_id]))
    if found.groups:
        console.print(table)
    console.print(f"{len(found.groups):,} groups among {found.products:,} products of {found.generation}", style="dim")
