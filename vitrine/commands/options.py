"""Options that every command takes, and the settings that come of them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vitrine.settings_loading import EffectiveConfig

Command = Callable[..., Any]

INPUT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""The type of an option that names a file to read."""
OUTPUT_FILE = click.Path(dir_okay=False, path_type=Path)
"""The type of an option that names a file to write."""


def with_settings(*, for_people: bool = True, **flags: str) -> Callable[[Command], Command]:
    """Give a command `--data-dir` and `--config`, and pass it the `Settings` in force as its first argument.

    Args:
        for_people: logs go to a file, and the terminal is for what the command says; False: standard error is the log.
        flags: settings that the command's own options set, `section.name` by the option's parameter: such a
            parameter (None: not given) is taken into the settings instead of being passed.
    """
    from_config = _with_config(flags)

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(config: EffectiveConfig, *args: Any, **options: Any) -> Any:
            from vitrine.logs import log_to_file
            from vitrine.settings import Settings

            if for_people:
                log_to_file(config.data_dir)
            return command(Settings(config.data_dir, **config.sections), *args, **options)

        return from_config(run)

    return decorate


def with_config(command: Command) -> Command:
    """Give a command `--data-dir` and `--config`, and pass it the `EffectiveConfig`: values with origins."""
    return _with_config({})(command)


def _with_config(flags: dict[str, str]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        @click.option("--data-dir", type=click.Path(path_type=Path), help="All state of the embedded servers.")
        @click.option("--config", type=click.Path(path_type=Path), help="Settings file (default: ./vitrine.toml).")
        @functools.wraps(command)
        def run(*args: Any, data_dir: Path | None, config: Path | None, **options: Any) -> Any:
            from vitrine.settings import effective_config

            given = {key: options.pop(name) for name, key in flags.items()}
            root = click.get_current_context().find_root().params
            given["data_dir"] = data_dir or root.get("data_dir")
            return command(effective_config(os.environ, config or root.get("config"), given), *args, **options)

        return run

    return decorate
