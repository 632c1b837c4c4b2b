"""A report as one HTML page that needs nothing else: styles and plots are within it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from query_api.evaluation import plots
from query_api.evaluation.report import EvaluationReport, JudgedResult, QueryScores

WORST_SHOWN = 50
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
    """The page. Whatever comes from files or from the index is escaped."""
    names = [one.name for one in report.configurations]
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
        plots.sorted_values_plot([(name, _main_measure_values(report, at)) for at, name in enumerate(names)], main),
        *_comparison(report),
        "<h2>Worst queries first</h2>",
        *(_query(one, names) for one in report.queries[:WORST_SHOWN]),
        "</body></html>",
    ]
    return "\n".join(parts)


def _facts_table(report: EvaluationReport) -> str:
    told = [f"{name}: {value}" for name, value in report.facts.items()]
    told += [f"{report.left_out} queries without a right product left out"] if report.left_out else []
    told += [
        f"{escape(one.name)}: <code>{escape(str(dict(one.request)))}</code>, {took_ms:.0f} ms at the median"
        + (f", {degraded} answers degraded" if degraded else "")
        for one, took_ms, degraded in zip(report.configurations, report.median_ms, report.degraded, strict=True)
    ]
    # What is told of configurations holds markup of ours; the rest is text.
    plain, marked = told[: -len(report.configurations)], told[-len(report.configurations) :]
    return f'<p class="quiet">{"<br>".join([*map(escape, plain), *marked])}</p>'


def _means_table(report: EvaluationReport) -> str:
    head = ["", *(one.name for one in report.configurations), *(["difference"] if report.comparison else [])]
    rows = [
        [name, *(str(means[name]) for means in report.means), *_difference(report, name)]
        for name in report.measure_names
    ]
    return _table(head, rows) + '<p class="quiet">Means, with 95 % bootstrap intervals over queries.</p>'


def _difference(report: EvaluationReport, name: str) -> list[str]:
    if report.comparison is None:
        return []
    one = report.comparison.differences[name]
    return [f"{one.mean:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"]


def _comparison(report: EvaluationReport) -> Iterable[str]:
    if report.comparison is None:
        return
    first, second = (one.name for one in report.configurations)
    main, found = report.measure_names[0], report.comparison
    yield f"<h2>{escape(first)} against {escape(second)}</h2>"
    yield f"<p>Better for {found.better} queries, worse for {found.worse}, the same for {found.equal}.</p>"
    differences = [(one.query, one.scores[0][main] - one.scores[1][main]) for one in report.queries]
    yield plots.difference_plot(differences, main)


def _query(one: QueryScores, names: Sequence[str]) -> str:
    main = [next(iter(scores.items())) for scores in one.scores]
    figures = " · ".join(f"{value:.3f}" for _, value in main)
    columns = "".join(
        f"<div><b>{escape(name)}</b>{_places(first)}{_missed(missed)}</div>"
        for name, first, missed in zip(names, one.first, one.missed, strict=True)
    )
    return (
        f"<details><summary>{figures} &nbsp; {escape(one.query)}</summary>"
        f'<div class="columns">{columns}</div></details>'
    )


def _places(places: Sequence[JudgedResult]) -> str:
    return "<ol>" + "".join(f"<li>{_place(one)}</li>" for one in places) + "</ol>" if places else "<p>nothing</p>"


def _missed(places: Sequence[JudgedResult]) -> str:
    listed = ", ".join(_place(one) for one in places)
    return f'<p class="quiet">missed: {listed}</p>' if places else ""


def _place(one: JudgedResult) -> str:
    gain = "not judged" if one.gain is None else f"gain {one.gain:g}"
    return f'{escape(one.title or one.product_id)} <span class="quiet">{escape(one.product_id)}, {gain}</span>'


def _main_measure_values(report: EvaluationReport, at: int) -> list[float]:
    return [next(iter(one.scores[at].values())) for one in report.queries]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "".join("<tr>" + "".join(f'<td class="number">{escape(one)}</td>' for one in row) + "</tr>" for row in rows)
    return f"<table><tr>{cells}</tr>{body}</table>"
