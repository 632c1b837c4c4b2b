"""`vitrine eval tune`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.evaluate.report_files import REPORTS_DIR, to_json_values, write_report
from vitrine.commands.options import INPUT_FILE, OUTPUT_FILE, with_settings

if TYPE_CHECKING:
    from query_api.evaluation.judgments import JudgedQuery
    from query_api.evaluation.weight_fitting import FittedWeights, FusionWeights
    from vitrine.settings import Settings


@click.command()
@click.option(
    "--queries", type=INPUT_FILE, required=True, help="A table of queries: query, and query_id if there is one."
)
@click.option(
    "--judgments", type=INPUT_FILE, required=True, help="query or query_id, product_id, and gain or E, S, C, I."
)
@click.option("--url", help="The query worker to ask (default: that of the data dir).")
@click.option("-k", "--k", type=click.IntRange(1, 100), default=10, show_default=True, help="The cut-off of nDCG.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the folds and the bootstrap.")
@click.option("--json", "json_file", type=OUTPUT_FILE, default=REPORTS_DIR / "eval-tune.json", show_default=True)
@with_settings()
def command(
    settings: Settings, queries: Path, judgments: Path, url: str | None, k: int, seed: int, json_file: Path
) -> None:
    """Fit the weights of text, image and lexical evidence on judged queries.

    What is told of the fitted weights is measured on queries that they were not fitted to, by cross-validation. They
    are recommended only if they beat the present ones there; the exit code is 3 otherwise.
    """
    from query_api.evaluation.weight_tuning import settings_lines
    from vitrine.judged_files import read_judged

    judged = read_judged(queries, judgments).queries
    fitted = _tune(settings, url, judged, k, seed)
    lines = settings_lines(fitted.weights) if fitted.is_recommended else []
    facts: dict[str, Any] = {"k": k, "queries": len(judged), "recommended": fitted.is_recommended}
    write_report(json_file, json.dumps(facts | to_json_values(fitted) | {"settings": lines}, indent=2))
    _print(fitted, k, len(judged))
    _conclude(lines)


def _tune(settings: Settings, url: str | None, judged: list[JudgedQuery], k: int, seed: int) -> FittedWeights:
    from query_api.errors import NotEnoughData
    from query_api.evaluation.weight_tuning import tune_weights
    from vitrine.client import NO_CACHE_HEADERS
    from vitrine.errors import InvalidJudgments
    from vitrine.stack.servers import connect_client

    with (
        connect_client(settings, url, NO_CACHE_HEADERS) as client,
        click.progressbar(length=len(judged), label="asking", file=click.get_text_stream("stderr")) as bar,
    ):
        try:
            return tune_weights(client, judged, settings.query, k, seed, lambda: bar.update(1))
        except NotEnoughData as error:
            raise InvalidJudgments(str(error)) from error


def _print(fitted: FittedWeights, k: int, queries: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(f"nDCG@{k}, {queries} queries", "mean", box=box.SIMPLE_HEAD)
    table.add_row("lexical alone", str(fitted.lexical))
    table.add_row("present weights", str(fitted.present))
    table.add_row("fitted weights, on held-out folds", str(fitted.held_out))
    table.add_row("  more than with the present ones", fitted.gain.signed())
    table.add_row("  more than by lexical search alone", fitted.over_lexical.signed())
    Console(highlight=False).print(table)
    click.echo(f"fitted to all queries: {_in_words(fitted.weights)}")
    click.echo("chosen in the folds: " + "; ".join(f"{_in_words(pick)} × {count}" for pick, count in fitted.chosen))


def _conclude(lines: list[str]) -> None:
    """Print the settings to use; without any, end with exit code 3."""
    if lines:
        click.echo("\nfor vitrine.toml:\n" + "\n".join(lines))
        return
    click.echo("\nnot recommended: on held-out queries the fitted weights do not surely beat the present ones")
    raise click.exceptions.Exit(3)


def _in_words(weights: FusionWeights) -> str:
    return f"text {weights.text:g}, image {weights.image:g}, lexical {weights.lexical:g}"
