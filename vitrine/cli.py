"""The `vitrine` command. Commands are imported when they are called, so that `--help` is instant."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from deploy.local.errors import LocalStackError
from encoders.errors import EncoderError
from encoders.packages import EXTRAS, missing
from indexer.errors import IndexerError
from query_api.errors import QueryError
from streams.errors import StreamError
from vitrine.errors import VitrineError
from vitrine.masking import mask_credentials
from vitrine.terminal import printable_lines


class CommandEntry(NamedTuple):
    """A command as `vitrine --help` lists it, and where it is."""

    help: str
    module: str
    """Under `vitrine.commands`; imported when the command is called."""
    attribute: str = "command"
    """The `click.Command` in that module."""


COMMANDS: Mapping[str, CommandEntry] = {
    "up": CommandEntry("Start everything on this machine.", "stack.up"),
    "down": CommandEntry("Stop what `up` started.", "stack.up", "down"),
    "status": CommandEntry("What runs, what is indexed, how far behind.", "stack.status"),
    "capacity": CommandEntry("Size a deployment, from measured service times.", "stack.capacity"),
    "doctor": CommandEntry("Check the installation and its servers, and say what to do.", "stack.doctor"),
    "demo": CommandEntry("Start everything, index a sample catalogue, and show searches.", "stack.demo"),
    "config": CommandEntry("Print the effective configuration and where each value comes from.", "stack.config"),
    "publish": CommandEntry("Publish products or shoppers' events from a file.", "events.publish"),
    "search": CommandEntry("Search from the terminal.", "search.search"),
    "explain": CommandEntry("Say where a product stands in a search, or why it is not in it.", "search.explain"),
    "label": CommandEntry(
        "Have products compared with the others again, after labelling was configured.", "index.label"
    ),
    "duplicates": CommandEntry("List products that look like the same goods listed twice.", "index.duplicates"),
    "reindex": CommandEntry("Rebuild the index beside the live one, and switch to it.", "index.reindex"),
    "rollback": CommandEntry("Switch back to the generation before the last rebuild.", "index.reindex", "rollback"),
    "export": CommandEntry("Write the index to a file.", "index.export"),
    "import": CommandEntry("Fill an index from such a file.", "index.export", "import_command"),
    "media": CommandEntry("Remove pictures, clips and sounds that no product shows.", "index.media"),
    "dlq": CommandEntry("Look at the events that could not be processed, and publish them again.", "events.dlq"),
    "export-user": CommandEntry("Print all that is stored about a shopper, as JSON.", "events.export_user"),
    "forget-user": CommandEntry("Forget a shopper everywhere.", "events.forget_user"),
    "kafka": CommandEntry("Set up a Kafka of your own: topics, and the rights that each role needs.", "stack.kafka"),
    "train": CommandEntry("Train an encoder.", "train.encoder"),
    "eval": CommandEntry("Measure how good search is.", "evaluate.group"),
    "apikey": CommandEntry("Make, list and revoke API keys; make shoppers' tokens.", "access.apikey"),
    "worker": CommandEntry("Run one worker in the foreground, as containers do.", "stack.worker"),
}
"""All commands by name, in the order in which the help lists them."""

_PACKAGE_ERRORS = (VitrineError, StreamError, EncoderError, IndexerError, QueryError, LocalStackError)
"""The base of each package's errors: their messages are for people."""


class _Commands(click.Group):
    """A group whose commands are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        return getattr(importlib.import_module(f"vitrine.commands.{entry.module}"), entry.attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            error.message = printable_lines(error.message)
            raise
        except _PACKAGE_ERRORS as error:
            raise _Failure(error) from error
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in EXTRAS:
                raise
            raise click.ClickException(missing(f"`vitrine {ctx.invoked_subcommand}`", package)) from error


class _Failure(click.ClickException):
    """An error of a package of Vitrine as click prints it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(printable_lines(mask_credentials(str(error))))
        self.exit_code = error.exit_code if isinstance(error, VitrineError) else 1


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vitrine")
@click.option("--data-dir", type=click.Path(path_type=Path), help="All state of the embedded servers.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file (default: ./vitrine.toml).")
def main(data_dir: Path | None, config: Path | None) -> None:
    """A live search index for shops: events in, search by text, photo and person out.

    --data-dir and --config may also follow the command.
    """
