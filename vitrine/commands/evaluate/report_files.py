"""Files that evaluations write, and JSON that their options take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import click

REPORTS_DIR = Path("build/reports")
"""Where reports go by default, relative to the working directory."""


def write_report(file: Path, text: str) -> None:
    """Write a report as UTF-8, over one that is there; makes its directory."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def to_json_values(value: Any) -> Any:
    """A dataclass, with all that it holds, as values that `json.dumps` takes."""
    import msgspec

    return msgspec.to_builtins(value)


def read_json_option(name: str, given: str) -> dict[str, Any]:
    """Parse an option whose value is a JSON object, or the path of a file with one.

    Args:
        name: the option, for the message.
        given: its value; one that starts with `{` is JSON.

    Raises:
        click.BadParameter: it is neither.
    """
    try:
        text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8")
        value = json.loads(text)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"neither JSON nor a file of it: {error}", param_hint=name) from None
    if not isinstance(value, dict):
        raise click.BadParameter(f"{given!r:.80} is no JSON object", param_hint=name)
    return cast(dict[str, Any], value)
