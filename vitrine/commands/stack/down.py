"""`vitrine down`: stop what `vitrine up` started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings


@click.command(help="Stop what was started on the data dir, and only that.")
@with_settings()
def command(settings: Settings) -> None:
    from deploy.local.errors import LocalStackError
    from deploy.local.stack import LocalStack
    from vitrine.errors import VitrineError

    try:
        stopped = LocalStack(settings.data_dir).stop(progress=click.echo)
    except LocalStackError as error:
        raise VitrineError(str(error)) from error
    click.echo(f"stopped {len(stopped)} processes" if stopped else f"nothing runs on {settings.data_dir}")
