"""`vitrine demo`: everything, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings


@click.command(help="Start everything, index a sample catalogue under shoppers' clicks, and show searches.")
@click.option("--port", type=int, help="Of the query worker (default 8080).")
@with_settings(port="query.port")
def command(settings: Settings) -> None:
    from rich.console import Console

    from vitrine.commands.interruptible import run_interruptibly
    from vitrine.commands.stack.up import start_stack, stop_command
    from vitrine.demo.run import run_demo

    console = Console()
    start_stack(settings, console.print)
    url = run_interruptibly(run_demo(settings, console))
    console.print(f"The search page:  {url}/", style="bold")
    console.print(f"It runs on; stop it with:  {stop_command(settings)}", soft_wrap=True)
