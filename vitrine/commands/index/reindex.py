"""`vitrine reindex` and `vitrine rollback`: the index rebuilt beside the live one, compared, switched to, and back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vitrine.commands.interruptible import run_interruptibly
from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from query_api.generations.quality_gate import Judgments
    from vitrine.settings import Settings

T = TypeVar("T")
NICENESS = 10
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
    if not cancel and not drop_held:
        _rebuild(settings, **options)
        return
    from vitrine.commands.progress import RebuildProgressView
    from vitrine.generations import switch
    from vitrine.stack.servers import with_server_addresses

    reached = with_server_addresses(settings)
    dropping = switch.drop_held(reached, RebuildProgressView()) if drop_held else switch.cancel_rebuild(reached)
    dropped = asyncio.run(dropping)
    click.echo(f"{dropped} is dropped" if dropped else "there is nothing to drop")


@click.command()
@click.option(
    "--hold", "hold_s", default=3600.0, show_default=True, help="Seconds to keep the generation switched from."
)
@click.option("--now", is_flag=True, help="Do not wait for it to have all events.")
@with_settings()
def rollback(settings: Settings, hold_s: float, now: bool) -> None:
    """Switch back to the generation that was active before the last `vitrine reindex`, while it is held."""
    from vitrine.commands.progress import RebuildProgressView
    from vitrine.generations.switch import roll_back
    from vitrine.stack.servers import with_server_addresses

    progress = RebuildProgressView()
    standby = partial(_start_standby, settings)
    _run(roll_back(with_server_addresses(settings), hold_s, standby, progress, wait=not now))


def _rebuild(
    settings: Settings,
    encoder: str | None,
    hold_s: float,
    overlap: float,
    queries: Path | None,
    judgments: Path | None,
    no_switch: bool,
    force: bool,
    share: float,
) -> None:
    """Rebuild the index, telling how it comes on. Raises the packages' errors."""
    from query_api.generations.quality_gate import GateLimits
    from vitrine.commands.progress import RebuildProgressView
    from vitrine.generations.rebuild import RebuildRequest, rebuild
    from vitrine.settings import absolute_encoder_name
    from vitrine.stack.servers import with_server_addresses
    from vitrine.wiring.rebuilding import rebuild_parts

    request = RebuildRequest(
        encoder=encoder and absolute_encoder_name(encoder),
        hold_s=hold_s,
        limits=GateLimits(overlap=overlap),
        force=force,
        switch=not no_switch,
        judgments=_gate_judgments(queries, judgments),
        share=share,
    )
    addressed = with_server_addresses(settings)
    parts = rebuild_parts(addressed, partial(_start_standby, settings))
    made = _run(rebuild(addressed, request, parts, RebuildProgressView(share)))
    if not no_switch:
        click.echo(
            f"for {hold_s:.0f} s `vitrine rollback` switches back. The index is of the encoder {made.encoder_name} "
            "now: where the configuration names another (encoder.name), change it or leave it out"
        )


def _gate_judgments(queries: Path | None, judgments: Path | None) -> Judgments:
    """Judged queries from both files; none without files. Raises `click.UsageError` when one of the two is missing."""
    if (queries is None) != (judgments is None):
        raise click.UsageError("--queries and --judgments belong together")
    if queries is None or judgments is None:
        return {}
    from vitrine.judged_files import read_judgments

    return read_judgments(queries, judgments)


async def _start_standby(settings: Settings) -> None:
    """Start a standby worker where workers run on the data dir; elsewhere somebody else runs them.

    Args:
        settings: as they were given, without the addresses of embedded servers.
    """
    from deploy.local.stack import LocalStack
    from vitrine.stack.services import standby_service

    stack = LocalStack(settings.data_dir)
    if not stack.state().with_prefix("indexing"):
        click.echo("waiting for a standby worker: `vitrine worker standby`, the deployment vitrine-standby")
        return
    await stack.start([standby_service(settings, stack)], click.echo)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run what gives way to shoppers and live events."""
    os.nice(NICENESS)
    return run_interruptibly(work)
