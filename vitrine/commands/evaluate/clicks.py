"""`vitrine eval clicks`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vitrine.commands.click_logs import read_click_log, read_log_file
from vitrine.commands.options import OUTPUT_FILE, with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings


@click.command()
@click.option("--output", type=OUTPUT_FILE, required=True, help="A file of JSON Lines; answers in it stay.")
@with_settings()
def command(settings: Settings, output: Path) -> None:
    """Keep what answers of the last day showed, with what was chosen of it: run it once a day.

    The file names nobody, but has what people searched for. Those who are forgotten or opted out by now are
    left out of what is added.
    """
    from query_api.evaluation.click_log import encode_log, merged_logs

    known = read_log_file(output) if output.exists() else []
    answers = merged_logs([known, read_click_log(settings, ())])
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = output.with_name(output.name + ".part")
    unfinished.write_bytes(b"".join(encode_log(answers)))
    unfinished.replace(output)
    chosen = sum(bool(answer.chosen) for answer in answers)
    click.echo(f"{len(answers)} answers, {len(answers) - len(known)} of them new; of {chosen} something was chosen")
