"""`vitrine reindex`: the index rebuilt beside the live one, compared, switched to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--encoder", help="Of the new generation: a built-in name, a directory or a hub name (default: the same)."
)
@click.option(
    "--hold", "hold_s", default=3600.0, show_default=True, help="Seconds for which `rollback` stays possible."
)
@click.option(
    "--overlap", default=0.2, show_default=True, help="The least mean share of equal results in the first 10."
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.3,
    show_default=True,
    help="Of the time, that copying and comparing work, so that searches stay fast; 1: as fast as it can.",
)
@click.option("--queries", type=_FILE, help="Judged queries, to compare nDCG@10 too; with --judgments.")
@click.option("--judgments", type=_FILE, help="Their judgments.")
@click.option("--no-switch", is_flag=True, help="Build it and keep it up to date, but do not switch to it.")
@click.option("--force", is_flag=True, help="Switch although the comparison speaks against it.")
@click.option("--cancel", is_flag=True, help="Drop a generation that was begun and never switched to.")
@click.option("--drop-held", is_flag=True, help="Give up the generation that `rollback` could switch back to.")
@with_settings()
def command(settings: Settings, cancel: bool, drop_held: bool, **options: Any) -> None:
    """Rebuild the index beside the live one, and switch to it.

    Searches and events go on meanwhile, and go first: it works for a --share of the time. Run again, it goes on where
    it was cut off. The former generation is kept up to date for --hold seconds, in which `vitrine rollback` switches
    back.
    """
    from vitrine.commands.index.rebuilding import drop_generation_in_stage, run_rebuild

    if cancel or drop_held:
        dropped = asyncio.run(drop_generation_in_stage(settings, "held" if drop_held else "unfinished"))
        click.echo(f"{dropped} is dropped" if dropped else "there is nothing to drop")
        return
    run_rebuild(settings, **options)
