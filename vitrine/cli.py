"""The `vitrine` command. Commands are imported when they are called, so that `--help` is instant."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from encoders.packages import EXTRAS, missing
from streams.errors import StreamError
from vitrine.errors import VitrineError

COMMANDS: Mapping[str, str] = {
    "up": "Start everything on this machine.",
    "down": "Stop what `up` started.",
    "status": "What runs, what is indexed, how far behind.",
    "demo": "Start everything, index a sample catalogue, and show searches.",
    "config": "Print the effective configuration and where each value comes from.",
    "publish": "Publish products or shoppers' events from a file.",
    "search": "Search from the terminal.",
    "explain": "Say where a product stands in a search, or why it is not in it.",
    "label": "Have products compared with the others again, after labelling was configured.",
    "duplicates": "List products that look like the same goods listed twice.",
    "reindex": "Rebuild the index beside the live one, and switch to it.",
    "rollback": "Switch back to the generation before the last rebuild.",
    "export": "Write the index to a file.",
    "import": "Fill an empty index from such a file.",
    "dlq": "Look at the events that could not be processed, and publish them again.",
    "train": "Train an encoder.",
    "eval": "Measure how good search is.",
    "worker": "Run one worker in the foreground, as containers do.",
}
"""Each command with its line of help."""

COMMAND_LOCATIONS: Mapping[str, str] = {
    "up": "stack.up",
    "down": "stack.down",
    "status": "stack.status",
    "demo": "stack.demo",
    "config": "stack.config",
    "worker": "stack.worker",
    "publish": "events.publish",
    "dlq": "events.dlq",
    "search": "search.search",
    "explain": "search.explain",
    "label": "index.label",
    "duplicates": "index.duplicates",
    "reindex": "index.reindex",
    "rollback": "index.rollback",
    "export": "index.export",
    "import": "index.export:import_command",
    "train": "train.encoder",
    "eval": "evaluate.group",
}
"""The module of each command under `vitrine.commands`; its name there is `command` unless another follows a colon."""


class _Commands(click.Group):
    """A group whose commands are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMAND_LOCATIONS[cmd_name].partition(":")
        return getattr(importlib.import_module(f"vitrine.commands.{module}"), name or "command")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (VitrineError, StreamError) as error:
            raise _Failure(error) from error
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in EXTRAS:
                raise
            raise click.ClickException(missing(f"`vitrine {ctx.invoked_subcommand}`", package)) from error


class _Failure(click.ClickException):
    """An error of ours as click prints it."""

    def __init__(self, error: VitrineError | StreamError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code if isinstance(error, VitrineError) else 1


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vitrine")
@click.option("--data-dir", type=click.Path(path_type=Path), help="All state of the embedded servers.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file (default: ./vitrine.toml).")
def main(data_dir: Path | None, config: Path | None) -> None:
    """A live search index for shops: events in, search by text, photo and person out.

    --data-dir and --config may also follow the command.
    """
