"""`vitrine eval …`: quality of search."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

COMMANDS: Mapping[str, str] = {
    "search": "Measure search on judged queries.",
    "tune": "Fit the weights of search on judged queries.",
    "clicks": "Keep what answers showed, with what was chosen of it.",
    "judgments": "Make judgments of what shoppers choose.",
    "online": "Measure what shoppers choose, by variant.",
    "recall": "Compare the live index with exact search, and say which to use.",
}
"""Each command with its line of help; it is `command` in `vitrine/commands/evaluate/NAME.py`."""


class _Evaluations(click.Group):
    """A group whose commands are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"vitrine.commands.evaluate.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Evaluations)
def command() -> None:
    """Measure how good search is."""
