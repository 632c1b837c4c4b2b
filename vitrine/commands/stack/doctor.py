"""`vitrine doctor`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from vitrine.commands.options import with_settings
from vitrine.terminal import printable_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vitrine.doctor.findings import Finding
    from vitrine.settings import Settings

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failure": ("✗", "red")}


@click.command(help="Check the installation and its servers, and say what to do. Changes nothing.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings(for_people=False)
def command(settings: Settings, as_json: bool) -> None:
    """The exit code is 1 when anything does not work."""
    import json

    from vitrine.doctor.examination import examine
    from vitrine.masking import mask_credentials

    with _no_log():
        found = asyncio.run(examine(settings))
    found = [replace(finding, message=mask_credentials(finding.message)) for finding in found]
    failures = [finding for finding in found if finding.level == "failure"]
    if as_json:
        report = {"healthy": not failures, "findings": [asdict(finding) for finding in found]}
        click.echo(json.dumps(report, indent=2))
    else:
        _print(found)
    if failures:
        raise click.exceptions.Exit(1)


@contextmanager
def _no_log() -> Iterator[None]:
    """Nothing is logged: the file would be in the data directory, and what fails is found, and printed."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _print(found: Sequence[Finding]) -> None:
    for finding in found:
        mark, colour = _MARKS[finding.level]
        click.echo(f"{click.style(mark, fg=colour)} {finding.subject}: {printable_lines(finding.message)}")
        if finding.advice:
            click.echo(f"    → {finding.advice}")
    counts = {level: sum(finding.level == level for finding in found) for level in _MARKS}
    click.echo(f"\n{counts['failure']} failures, {counts['warning']} warnings, {counts['ok']} in order")
