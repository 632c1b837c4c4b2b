"""`vitrine eval search`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.evaluate.report_files import REPORTS_DIR, read_json_option, to_json_values, write_report
from vitrine.commands.options import INPUT_FILE, OUTPUT_FILE, with_settings
from vitrine.terminal import cell

if TYPE_CHECKING:
    from rich.console import Console

    from query_api.evaluation.judgments import JudgedQueries
    from query_api.evaluation.reports.report import Cutoffs, EvaluationReport, QueryRanking, SearchConfiguration
    from vitrine.settings import Settings

WORST_SHOWN = 10


@click.command()
@click.option(
    "--queries", type=INPUT_FILE, required=True, help="A table of queries: query, and query_id if there is one."
)
@click.option(
    "--judgments", type=INPUT_FILE, required=True, help="query or query_id, product_id, and gain or E, S, C, I."
)
@click.option("--url", help="The query worker to ask (default: that of the data dir).")
@click.option("--mode", type=click.Choice(["hybrid", "dense", "lexical"]), help="How to search (default: hybrid).")
@click.option("--weights", metavar="JSON", help='As requests have them: {"text": 0.3, "lexical": 0.6}.')
@click.option(
    "--against",
    metavar="JSON|FILE",
    help='Other request fields to compare with: {"mode": "lexical"}; may have a url.',
)
@click.option("-k", "--k", type=click.IntRange(1, 100), default=10, show_default=True, help="The cut-off.")
@click.option("--depth", type=click.IntRange(1, 1000), default=100, show_default=True, help="Results asked for.")
@click.option(
    "--relevant-gain",
    type=click.FloatRange(min=0),
    default=0.0,
    help="The least gain of a right product in measures without degrees (default: any above 0).",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the bootstrap.")
@click.option("--json", "json_file", type=OUTPUT_FILE, default=REPORTS_DIR / "eval-search.json", show_default=True)
@click.option("--html", "html_file", type=OUTPUT_FILE, default=REPORTS_DIR / "eval-search.html", show_default=True)
@with_settings()
def command(
    settings: Settings,
    queries: Path,
    judgments: Path,
    url: str | None,
    mode: str | None,
    weights: str | None,
    against: str | None,
    k: int,
    depth: int,
    relevant_gain: float,
    seed: int,
    json_file: Path,
    html_file: Path,
) -> None:
    """Measure search on judged queries, alone or against another configuration.

    Files are CSV, JSON Lines (each also with .gz) or Parquet; one file may serve for both.
    """
    from query_api.evaluation.reports.html import html_report
    from query_api.evaluation.reports.report import Cutoffs
    from vitrine.judged_files import read_judged

    configurations = _configurations(mode, weights, against)
    cutoffs = Cutoffs(k, max(k, depth), relevant_gain)
    judged = read_judged(queries, judgments)
    report = _report(settings, judged, url, configurations, cutoffs, seed)
    write_report(json_file, json.dumps(to_json_values(report), indent=2, ensure_ascii=False))
    write_report(html_file, html_report(report))
    _print(report)
    click.echo(f"written: {json_file}, {html_file}", err=True)


def _configurations(mode: str | None, weights: str | None, against: str | None) -> list[SearchConfiguration]:
    """The configuration to measure, and the one to compare it with if there is one."""
    from query_api.evaluation.reports.report import SearchConfiguration

    request: dict[str, Any] = {"mode": mode} if mode else {}
    if weights is not None:
        request["weights"] = read_json_option("--weights", weights)
    configurations = [SearchConfiguration(_name(request), request)]
    if against is not None:
        second = read_json_option("--against", against)
        name = _name(second) if _name(second) != configurations[0].name else "the other"
        configurations.append(SearchConfiguration(name, second))
    return configurations


def _name(request: dict[str, Any]) -> str:
    """`lexical`, `hybrid text=0.3 lexical=0.6`."""
    weights: dict[str, Any] = request.get("weights") or {}
    return " ".join([str(request.get("mode", "hybrid")), *(f"{name}={value}" for name, value in weights.items())])


def _report(
    settings: Settings,
    judged: JudgedQueries,
    url: str | None,
    configurations: list[SearchConfiguration],
    cutoffs: Cutoffs,
    seed: int,
) -> EvaluationReport:
    """Ask all queries in each configuration, and measure what comes back. Raises `InvalidJudgments`."""
    from query_api.errors import NotEnoughData
    from query_api.evaluation.reports.report import build_report
    from vitrine.errors import InvalidJudgments
    from vitrine.stack.servers import query_url

    worker = url or query_url(settings)
    count = len(judged.queries) * len(configurations)
    with click.progressbar(length=count, label="asking", file=click.get_text_stream("stderr")) as bar:
        rankings = [
            (configuration, _rankings(settings, worker, judged, configuration, cutoffs.depth, lambda: bar.update(1)))
            for configuration in configurations
        ]
    try:
        return build_report(judged.queries, rankings, cutoffs, seed, **_facts(judged))
    except NotEnoughData as error:
        raise InvalidJudgments(str(error)) from error


def _rankings(
    settings: Settings,
    url: str,
    judged: JudgedQueries,
    configuration: SearchConfiguration,
    depth: int,
    on_answer: Callable[[], object],
) -> list[QueryRanking]:
    """Ask the worker at `url`, or the one that the configuration's request names as its `url`."""
    from query_api.evaluation.rankings import collect_rankings
    from vitrine.client import NO_CACHE_HEADERS
    from vitrine.stack.servers import connect_client

    request = dict(configuration.request)
    with connect_client(settings, str(request.pop("url", url)), NO_CACHE_HEADERS) as client:
        return collect_rankings(client, judged.queries, request, depth, on_answer)


def _facts(judged: JudgedQueries) -> dict[str, Any]:
    facts: dict[str, Any] = {"judgments": sum(len(query.gains) for query in judged.queries)}
    if judged.unjudged_queries:
        facts["queries without judgments"] = judged.unjudged_queries
    if judged.unmatched_judgments:
        facts["judgments of other queries"] = judged.unmatched_judgments
    return facts


def _print(report: EvaluationReport) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # A file or a pipe has no width of its own; 140 columns hold two configurations.
    console = Console(highlight=False, width=None if click.get_text_stream("stdout").isatty() else 140)
    names = [configuration.name for configuration in report.configurations]
    table = Table("", *names, *(["difference"] if report.comparison else []), box=box.SIMPLE_HEAD)
    for measure in report.measure_names:
        cells = [str(means[measure]) for means in report.means]
        cells += [report.comparison.differences[measure].signed()] if report.comparison else []
        table.add_row(measure, *map(Text, cells))
    console.print(table)
    _print_worst(report, console)
    notes = [f"{len(report.queries)} queries", *(f"{value} {name}" for name, value in report.facts.items())]
    notes += [f"{report.left_out} without a right product left out"] if report.left_out else []
    notes += [f"{count} answers degraded" for count in report.degraded if count]
    console.print(" · ".join(notes), style="dim")


def _print_worst(report: EvaluationReport, console: Console) -> None:
    from rich import box
    from rich.table import Table

    main = report.measure_names[0]
    table = Table(
        "worst queries", *(configuration.name for configuration in report.configurations), box=box.SIMPLE_HEAD
    )
    for query in report.queries[:WORST_SHOWN]:
        table.add_row(cell(query.query), *(f"{scores[main]:.3f}" for scores in query.scores))
    console.print(table)
    if comparison := report.comparison:
        counts = f"better {comparison.better}, worse {comparison.worse}, equal {comparison.equal}"
        console.print(f"{main}: {counts}")
