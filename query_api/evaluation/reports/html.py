"""A report as one HTML page that holds its styles and plots, and loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from query_api.evaluation.reports import plots
from query_api.evaluation.reports.report import EvaluationReport, JudgedResult, QueryScores

WORST_SHOWN = 50
"""Queries that are listed with their results."""
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; background: #fff; margin: 2rem auto; max-width: 60rem;
  padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #e3e7ee; vertical-align: top; }
td.number { font-variant-numeric: tabular-nums; }
details { border-bottom: 1px solid #e3e7ee; padding: .3rem 0; }
summary { cursor: pointer; }
code { font-size: .9em; }
svg { max-width: 100%; height: auto; }
.quiet { color: #5d6878; }
.columns { display: flex; gap: 3rem; flex-wrap: wrap; }
ol { padding-left: 1.6rem; margin: .3rem 0; }
"""


def html_report(report: EvaluationReport) -> str:
    """The page. Text that comes from files or from the index is escaped."""
    names = [configuration.name for configuration in report.configurations]
    main = report.measure_names[0]
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Search quality</title>',
        '<meta name="viewport" content="width=device-width">',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>Search quality on {len(report.queries):,} judged queries</h1>",
        _facts_table(report),
        _means_table(report),
        plots.interval_plot([(name, dict(means)) for name, means in zip(names, report.means, strict=True)]),
        f"<h2>{escape(main)} by query</h2>",
        plots.sorted_values_plot([(name, _main_values(report, at)) for at, name in enumerate(names)], main),
        *_comparison(report),
        "<h2>Worst queries first</h2>",
        *(_query(query, names) for query in report.queries[:WORST_SHOWN]),
        "</body></html>",
    ]
    return "\n".join(parts)


def _facts_table(report: EvaluationReport) -> str:
    facts = [escape(f"{name}: {value}") for name, value in report.facts.items()]
    facts += [f"{report.left_out} queries without a right product left out"] if report.left_out else []
    facts += [
        f"{escape(configuration.name)}: <code>{escape(str(dict(configuration.request)))}</code>, "
        f"{took_ms:.0f} ms at the median" + (f", {degraded} answers degraded" if degraded else "")
        for configuration, took_ms, degraded in zip(
            report.configurations, report.median_ms, report.degraded, strict=True
        )
    ]
    return f'<p class="quiet">{"<br>".join(facts)}</p>'


def _means_table(report: EvaluationReport) -> str:
    names = [configuration.name for configuration in report.configurations]
    head = ["", *names, *(["difference"] if report.comparison else [])]
    rows = [
        [name, *(str(means[name]) for means in report.means), *_difference(report, name)]
        for name in report.measure_names
    ]
    return _table(head, rows) + '<p class="quiet">Means, with 95 % bootstrap intervals over queries.</p>'


def _difference(report: EvaluationReport, measure: str) -> list[str]:
    return [report.comparison.differences[measure].signed()] if report.comparison else []


def _comparison(report: EvaluationReport) -> Iterable[str]:
    if report.comparison is None:
        return
    first, second = (configuration.name for configuration in report.configurations)
    main, counts = report.measure_names[0], report.comparison
    yield f"<h2>{escape(first)} against {escape(second)}</h2>"
    yield f"<p>Better for {counts.better} queries, worse for {counts.worse}, the same for {counts.equal}.</p>"
    differences = [(query.query, query.scores[0][main] - query.scores[1][main]) for query in report.queries]
    yield plots.difference_plot(differences, main)


def _query(query: QueryScores, names: Sequence[str]) -> str:
    """A query's main scores, and when unfolded its results in each configuration."""
    figures = " · ".join(f"{next(iter(scores.values())):.3f}" for scores in query.scores)
    columns = "".join(
        f"<div><b>{escape(name)}</b>{_results(first)}{_missed(missed)}</div>"
        for name, first, missed in zip(names, query.first, query.missed, strict=True)
    )
    return (
        f"<details><summary>{figures} &nbsp; {escape(query.query)}</summary>"
        f'<div class="columns">{columns}</div></details>'
    )


def _results(results: Sequence[JudgedResult]) -> str:
    items = "".join(f"<li>{_result(result)}</li>" for result in results)
    return f"<ol>{items}</ol>" if results else "<p>nothing</p>"


def _missed(results: Sequence[JudgedResult]) -> str:
    listed = ", ".join(map(_result, results))
    return f'<p class="quiet">missed: {listed}</p>' if results else ""


def _result(result: JudgedResult) -> str:
    gain = "not judged" if result.gain is None else f"gain {result.gain:g}"
    name = escape(result.title or result.product_id)
    return f'{name} <span class="quiet">{escape(result.product_id)}, {gain}</span>'


def _main_values(report: EvaluationReport, configuration: int) -> list[float]:
    """Each query's main measure in one of the configurations."""
    return [next(iter(query.scores[configuration].values())) for query in report.queries]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = ["<tr>" + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row) + "</tr>" for row in rows]
    return f"<table><tr>{titles}</tr>{''.join(body)}</table>"
