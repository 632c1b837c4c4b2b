"""`vitrine up` and `vitrine down`: everything on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from vitrine.commands.interruptible import run_interruptibly
from vitrine.commands.options import with_settings
from vitrine.terminal import printable_lines

if TYPE_CHECKING:
    from deploy.local.state import StackState
    from vitrine.settings import Settings

WATCH_S = 1.0


@click.command(help="Start what is not there yet: Kafka, Redis, Milvus Lite, indexing and query workers.")
@click.option("--detach", is_flag=True, help="Leave it running in the background.")
@click.option("--port", type=int, help="Of the query worker (default 8080).")
@click.option("--encoder", help="A built-in name, a directory or a hub name.")
@click.option("--workers", type=int, help="Indexing workers (default 1).")
@click.option("--query-processes", type=int, help="Of the query worker, on one port (default 1).")
@with_settings(port="query.port", encoder="encoder.name", workers="indexing.workers", query_processes="query.processes")
def command(settings: Settings, detach: bool) -> None:
    state = start_stack(settings, click.echo)
    url = state.with_prefix("query")[0].url
    click.echo(f"\nSearch page  {url}/\nAPI          {url}/docs\nData         {settings.data_dir}")
    if detach:
        click.echo(f"Stop it with: {stop_command(settings)}")
        return
    click.echo("Ctrl-C stops it.")
    _watch(settings)


@click.command(help="Stop what was started on the data dir, and only that.")
@with_settings()
def down(settings: Settings) -> None:
    from deploy.local.stack import LocalStack

    stopped = LocalStack(settings.data_dir).stop(progress=click.echo)
    click.echo(f"stopped {len(stopped)} processes" if stopped else f"nothing runs on {settings.data_dir}")


def start_stack(settings: Settings, progress: Callable[[str], None]) -> StackState:
    """Start what does not run yet on the data dir. Raises `LocalStackError` saying what failed."""
    from deploy.local.permissions import UMASK
    from deploy.local.stack import LocalStack
    from vitrine.generations.binding import standby_wanted
    from vitrine.stack.servers import with_server_addresses
    from vitrine.stack.services import stack_services, standby_service

    # What this command makes itself, such as the pictures of the demo, is for its user alone, too.
    os.umask(UMASK)
    stack = LocalStack(settings.data_dir)
    if not (settings.encoder.name or settings.milvus.uri or stack.milvus().database.exists()):
        progress(f"new index: {_encoder_line(settings)}")

    async def run() -> StackState:
        state = await stack.start(stack_services(settings, stack), progress)
        if await standby_wanted(with_server_addresses(settings)):
            state = await stack.start([standby_service(settings, stack)], progress)
        return state

    return run_interruptibly(run())


def _encoder_line(settings: Settings) -> str:
    """Which encoder a new index gets, and, where it is not the better one, how to get that."""
    from encoders.loading import MINI
    from encoders.pretrained.standard import HOW_TO_GO_ON

    name = settings.encoder.name_for_new_index
    return f"encoder {name}" + (f", as standard is not installed: {HOW_TO_GO_ON}" if name == MINI else "")


def stop_command(settings: Settings) -> str:
    """What to type to stop the stack of these settings, from the working directory."""
    import shlex
    import sys
    from pathlib import Path

    program = sys.argv[0] if Path(sys.argv[0]).name == "vitrine" else "vitrine"
    return f"{program} down --data-dir {shlex.quote(str(settings.data_dir))}"


def _watch(settings: Settings) -> None:
    """Stay until Ctrl-C; start a worker that died again, give up when a server did; then stop everything."""
    from deploy.local.log_rotation import rotate_logs
    from deploy.local.processes import log_tail
    from deploy.local.stack import LocalStack
    from vitrine.errors import VitrineError

    stack = LocalStack(settings.data_dir)
    try:
        while True:
            run_interruptibly(asyncio.sleep(WATCH_S))
            rotate_logs(stack.data_dir / "logs")
            for record in stack.crashed():
                if record.name in ("kafka", "redis", "milvus"):
                    raise VitrineError(f"{record.name} died; {log_tail(record)}")
                click.echo(f"{record.name} died and is started again; {printable_lines(log_tail(record))}", err=True)
                start_stack(settings, click.echo)
    except click.Abort:
        click.echo("\nstopping")
    finally:
        stack.stop(progress=click.echo)
