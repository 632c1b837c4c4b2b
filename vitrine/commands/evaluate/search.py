"""`vitrine eval search`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.evaluate.report_files import REPORTS_DIR, read_json_option, to_json_values, write_report
from vitrine.commands.options import INPUT_FILE, OUTPUT_FILE, with_settings

if TYPE_CHECKING:
    from query_api.evaluation.judgments import JudgedQueries
    from query_api.evaluation.report import Cutoffs, EvaluationReport, QueryRanking, SearchConfiguration
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
    from query_api.evaluation.html_report import html_report
    from query_api.evaluation.report import Cutoffs
    from vitrine.evaluation.judged_files import read_judged

    configurations = _configurations(mode, weights, against)
    cutoffs = Cutoffs(k, max(k, depth), relevant_gain)
    judged = read_judged(queries, judgments)
    report = _report(settings, judged, url, configurations, cutoffs, seed)
    write_report(json_file, json.dumps(to_json_values(report), indent=2, ensure_ascii=False))
    write_report(html_file, html_report(report))
    _print(report)
    click.echo(f"written: {json_file}, {html_file}", err=True)


def _configurations(mode: str | None, weights: str | None, against: str | None) -> list[SearchConfiguration]:
    from query_api.evaluation.report import SearchConfiguration

    request: dict[str, Any] = {"mode": mode} if mode else {}
    if weights is not None:
        request["weights"] = read_json_option("--weights", weights)
    found = [SearchConfiguration(_name(request), request)]
    if against is not None:
        other = read_json_option("--against", against)
        found.append(SearchConfiguration(_name(other) if _name(other) != found[0].name else "the other", other))
    return found


def _name(request: dict[str, Any]) -> str:
    """`lexical`, `hybrid text=0.3 lexical=0.6`."""
    weights = request.get("weights") or {}
    return " ".join([str(request.get("mode", "hybrid")), *(f"{name}={value}" for name, value in weights.items())])


def _report(
    settings: Settings,
    judged: JudgedQueries,
    url: str | None,
    configurations: list[SearchConfiguration],
    cutoffs: Cutoffs,
    seed: int,
) -> EvaluationReport:
    from query_api.evaluation.report import build_report
    from vitrine.errors import InvalidJudgments
    from vitrine.evaluation.rankings import collect_rankings
    from vitrine.stack.servers import query_url

    worker = url or query_url(settings)
    asked: list[tuple[SearchConfiguration, list[QueryRanking]]] = []
    with click.progressbar(length=len(judged.queries) * len(configurations), label="asking", file=_terminal()) as bar:
        for one in configurations:
            asked.append((one, collect_rankings(worker, judged.queries, one, cutoffs.depth, lambda: bar.update(1))))
    try:
        return build_report(judged.queries, asked, cutoffs, seed, **_facts(judged))
    except ValueError as error:
        raise InvalidJudgments(str(error)) from error


def _facts(judged: JudgedQueries) -> dict[str, Any]:
    facts: dict[str, Any] = {"judgments": sum(len(one.gains) for one in judged.queries)}
    if judged.unjudged_queries:
        facts["queries without judgments"] = judged.unjudged_queries
    if judged.unmatched_judgments:
        facts["judgments of other queries"] = judged.unmatched_judgments
    return facts


def _terminal() -> Any:
    return click.get_text_stream("stderr")


def _is_terminal() -> bool:
    return click.get_text_stream("stdout").isatty()


def _print(report: EvaluationReport) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, width=None if _is_terminal() else 140)
    difference = ["difference"] if report.comparison else []
    table = Table("", *(one.name for one in report.configurations), *difference, box=box.SIMPLE_HEAD)
    for name in report.measure_names:
        cells = [str(means[name]) for means in report.means]
        if report.comparison:
            one = report.comparison.differences[name]
            cells.append(f"{one.mean:+.3f} [{one.low:+.3f}, {one.high:+.3f}]")
        table.add_row(name, *map(Text, cells))
    console.print(table)
    _print_worst(report, console)
    notes = [f"{len(report.queries)} queries", *(f"{value} {name}" for name, value in report.facts.items())]
    notes += [f"{report.left_out} without a right product left out"] if report.left_out else []
    notes += [f"{count} answers degraded" for count in report.degraded if count]
    console.print(" · ".join(notes), style="dim")


def _print_worst(report: EvaluationReport, console: Any) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    main = report.measure_names[0]
    table = Table("worst queries", *(one.name for one in report.configurations), box=box.SIMPLE_HEAD)
    for one in report.queries[:WORST_SHOWN]:
        table.add_row(Text(one.query), *(f"{scores[main]:.3f}" for scores in one.scores))
    console.print(table)
    if report.comparison:
        found = report.comparison
        console.print(f"{main}: better {found.better}, worse {found.worse}, equal {found.equal}")
