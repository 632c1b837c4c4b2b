"""`vitrine config`."""

from __future__ import annotations

import json

import click

from vitrine.commands.options import with_config
from vitrine.settings_loading import EffectiveConfig, Setting


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_config
def command(config: EffectiveConfig, as_json: bool) -> None:
    """Print the effective configuration and where each value comes from; secrets are masked."""
    if as_json:
        values = {setting.key: {"value": setting.shown, "origin": setting.origin} for setting in config.settings}
        click.echo(json.dumps(values, indent=2, default=str))
    else:
        _print_table(config.settings)


def _print_table(settings: tuple[Setting, ...]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("key", "value", "origin", box=box.SIMPLE_HEAD)
    for setting in settings:
        shown = ", ".join(map(str, setting.shown)) if isinstance(setting.shown, tuple | list) else str(setting.shown)
        style = "dim" if setting.origin == "default" else ""
        table.add_row(setting.key, Text(shown, overflow="fold"), setting.origin, style=style)
    # A pipe has no width to fit: nothing is cut or folded there.
    console = Console()
    console.print(table) if console.is_terminal else Console(width=1_000).print(table)
