"""`vitrine rollback`: back to the generation of the index that was active before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings


@click.command()
@click.option(
    "--hold", "hold_s", default=3600.0, show_default=True, help="Seconds to keep the generation switched from."
)
@click.option("--now", is_flag=True, help="Do not wait for it to have all events.")
@with_settings()
def command(settings: Settings, hold_s: float, now: bool) -> None:
    """Switch back to the generation that was active before the last `vitrine reindex`, while it is held."""
    from vitrine.commands.index.rebuilding import run_rollback

    run_rollback(settings, hold_s, wait=not now)
