"""`vitrine eval judgments`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vitrine.commands.click_logs import LOG_OPTION, read_click_log
from vitrine.commands.options import OUTPUT_FILE, with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings


@click.command()
@LOG_OPTION
@click.option("--output", type=OUTPUT_FILE, required=True, help="A CSV of query, product_id, gain, views.")
@click.option(
    "--least-views", type=click.IntRange(min=1), default=3, show_default=True, help="Of a product for a query."
)
@with_settings()
def command(settings: Settings, logs: tuple[Path, ...], output: Path, least_views: int) -> None:
    """Make judgments of what shoppers choose, as `vitrine eval search` and `eval tune` take them.

    A product's gain is how likely it is chosen for a query where it is looked at: how likely each place is looked at
    is learnt from the same clicks. The file serves as --queries and as --judgments.
    """
    from query_api.evaluation.click_model import fit_click_model
    from vitrine.errors import VitrineError

    answers = [answer for answer in read_click_log(settings, logs) if answer.text]
    if not any(answer.chosen for answer in answers):
        raise VitrineError(f"nothing was chosen of {len(answers)} answers to words: events need the answer's query_id")
    model = fit_click_model(answers)
    judged = [(*pair, gain) for pair, gain in model.attractiveness.items() if model.views[pair] >= least_views]
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["query", "product_id", "gain", "views"])
        rows.writerows((text, product, f"{gain:.4f}", model.views[text, product]) for text, product, gain in judged)
    click.echo(f"{len(judged)} judgments of {len({text for text, _, _ in judged})} queries, in {output}")
    looked_at = ", ".join(f"{share:.2f}" for share in model.examined(0, 10).tolist())
    click.echo(f"how likely the first ten places are looked at: {looked_at}")
