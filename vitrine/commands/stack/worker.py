"""`vitrine worker`: one worker in the foreground, as containers run it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings


def _keeps_logs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a worker the option by which `vitrine up` has it look after the logs of a data dir."""
    option = click.option(
        "--keep-logs", type=click.Path(path_type=Path), hidden=True, expose_value=False, callback=_keep
    )
    return option(command)


def _keep(_: click.Context, __: click.Parameter, directory: Path | None) -> None:
    from deploy.local.log_rotation import keep_logs_bounded

    if directory is not None:
        keep_logs_bounded(directory)


@click.group(help="Run one worker in the foreground, against the configured servers.")
def command() -> None:
    pass


@command.command(help="Consume events, encode them and write them to the index.")
@_keeps_logs
@with_settings(for_people=False)
def indexing(settings: Settings) -> None:
    from vitrine.stack.servers import with_server_addresses
    from vitrine.wiring.indexing_worker import run_indexing_worker

    _run(run_indexing_worker(with_server_addresses(settings)))


@command.command(help="Keep a generation of the index up to date that is being built, or can be switched back to.")
@click.option("--exit-when-done", is_flag=True, help="Leave when there is no such generation, instead of waiting.")
@_keeps_logs
@with_settings(for_people=False)
def standby(settings: Settings, exit_when_done: bool) -> None:
    from vitrine.stack.servers import with_server_addresses
    from vitrine.wiring.indexing_worker import run_standby_worker

    _run(run_standby_worker(with_server_addresses(settings), wait=not exit_when_done))


@command.command(help="Answer searches over HTTP.")
@click.option("--group", type=click.Path(path_type=Path), hidden=True)
@click.option("--member", type=int, default=0, hidden=True)
@_keeps_logs
@with_settings(for_people=False)
def query(settings: Settings, group: Path | None, member: int) -> None:
    """Args: group: where the processes of one worker ask each other; None: this is their parent, or the only one."""
    from vitrine.stack.servers import with_server_addresses

    settings = with_server_addresses(settings)
    if group is None and settings.query.processes > 1:
        from vitrine.wiring.query_processes import run_query_processes

        _run(run_query_processes(settings))
    else:
        _run_query_process(settings, group, member)


def _run_query_process(settings: Settings, directory: Path | None, number: int) -> None:
    from query_api.http.server.process_group import GroupMember, ProcessGroup
    from vitrine.wiring.query_processes import leave_with_parent
    from vitrine.wiring.query_worker import run_query_worker

    member = None
    if directory is not None:
        leave_with_parent()
        member = GroupMember(ProcessGroup(directory, settings.query.processes), number)
    _run(run_query_worker(settings, member))


@command.command(help="Encode for the workers of this machine, which share one model and one device.")
@_keeps_logs
@with_settings(for_people=False)
def encoder(settings: Settings) -> None:
    from vitrine.wiring.encoder_service import run_encoder_service

    _run(run_encoder_service(settings))


def _run(worker: Coroutine[Any, Any, None]) -> None:
    import uvloop

    from vitrine.logs import configure_logging

    configure_logging()
    uvloop.run(worker)
