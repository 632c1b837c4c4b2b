"""`vitrine eval tune`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.evaluate.report_files import REPORTS_DIR, to_json_values, write_report
from vitrine.commands.options import INPUT_FILE, OUTPUT_FILE, with_settings

if TYPE_CHECKING:
    from query_api.evaluation.intervals import Interval
    from query_api.evaluation.weight_tuning import FittedWeights, FusionWeights
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
    from vitrine.evaluation.judged_files import read_judged
    from vitrine.evaluation.weight_fitting import settings_lines, tune_worker
    from vitrine.stack.servers import query_url

    judged = read_judged(queries, judgments)
    worker = url or query_url(settings)
    with click.progressbar(length=len(judged.queries), label="asking", file=click.get_text_stream("stderr")) as bar:
        found = tune_worker(worker, judged.queries, settings.query, k, seed, lambda: bar.update(1))
    lines = settings_lines(found.weights) if found.is_recommended else []
    facts: dict[str, Any] = {"k": k, "queries": len(judged.queries), "recommended": found.is_recommended}
    write_report(json_file, json.dumps(facts | to_json_values(found) | {"settings": lines}, indent=2))
    _print(found, k, len(judged.queries))
    _conclude(found, lines)


def _print(found: FittedWeights, k: int, queries: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(f"nDCG@{k}, {queries} queries", "mean", box=box.SIMPLE_HEAD)
    table.add_row("lexical alone", str(found.lexical))
    table.add_row("present weights", str(found.present))
    table.add_row("fitted weights, on held-out folds", str(found.held_out))
    table.add_row("  more than with the present ones", _signed(found.gain))
    table.add_row("  more than by lexical search alone", _signed(found.over_lexical))
    Console(highlight=False).print(table)
    click.echo(f"fitted to all queries: {_words(found.weights)}")
    click.echo("chosen in the folds: " + "; ".join(f"{_words(one)} × {count}" for one, count in found.chosen))


def _conclude(found: FittedWeights, lines: list[str]) -> None:
    if lines:
        click.echo("\nfor vitrine.toml:\n" + "\n".join(lines))
        return
    click.echo("\nnot recommended: on held-out queries the fitted weights do not surely beat the present ones")
    raise click.exceptions.Exit(3)


def _words(one: FusionWeights) -> str:
    return f"text {one.text:g}, image {one.image:g}, lexical {one.lexical:g}"


def _signed(one: Interval) -> str:
    return f"{one.mean:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
