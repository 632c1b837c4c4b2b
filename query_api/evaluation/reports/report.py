"""Measures of search on judged queries, in one configuration or two that are compared. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from query_api.errors import NotEnoughData
from query_api.evaluation.intervals import Interval, bootstrap
from query_api.evaluation.judgments import JudgedQuery
from query_api.evaluation.ranking_metrics import relevant_products, report_measures

_EQUAL = 1e-12
"""Scores that differ by less are the same."""
_MISSED = 5
"""How many missed products are named for each query."""


@dataclass(frozen=True, slots=True)
class SearchConfiguration:
    """A way to search, by its name."""

    name: str
    request: Mapping[str, Any]
    """Fields of the search request beside the text."""


@dataclass(frozen=True, slots=True)
class QueryRanking:
    """The results of one query."""

    product_ids: tuple[str, ...]
    """Best first."""
    titles: tuple[str, ...] = ()
    """Of the products; empty: not known."""
    took_ms: float = 0.0
    degraded: tuple[str, ...] = ()
    """What the search was done without, because a server did not answer."""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """How far down a ranking is looked, and what counts as relevant."""

    k: int = 10
    depth: int = 100
    """How many results were asked for."""
    relevant_gain: float = 0.0
    """The least gain of a relevant product in measures without degrees; 0: any gain above 0."""


@dataclass(frozen=True, slots=True)
class JudgedResult:
    """A result with its judged gain, or a relevant product that is not among the results."""

    product_id: str
    gain: float | None
    """None: not judged."""
    title: str = ""


@dataclass(frozen=True, slots=True)
class QueryScores:
    """One query's scores and results; each tuple has an element for each configuration."""

    query: str
    scores: tuple[Mapping[str, float], ...]
    """By measure, the main one first."""
    first: tuple[tuple[JudgedResult, ...], ...]
    """The first k results."""
    missed: tuple[tuple[JudgedResult, ...], ...]
    """The best judged products that are not among them, at most 5."""


@dataclass(frozen=True, slots=True)
class ConfigurationComparison:
    """The first configuration against the second, query by query."""

    differences: Mapping[str, Interval]
    """First − second, by measure."""
    better: int
    worse: int
    equal: int
    """Queries whose main measure is higher, lower and the same with the first configuration."""


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Measures over judged queries.

    Attributes:
        means: by measure, for each configuration; the first measure is the main one.
        median_ms: how long the worker took for a query, for each configuration.
        queries: worst first: by the first configuration's main measure, or by the difference where there are two.
        left_out: queries without a relevant product: for them no ranking is better than another.
        degraded: answers that were degraded, for each configuration.
        facts: what else a reader should know, as JSON values by name.
    """

    configurations: tuple[SearchConfiguration, ...]
    cutoffs: Cutoffs
    means: tuple[Mapping[str, Interval], ...]
    median_ms: tuple[float, ...]
    queries: tuple[QueryScores, ...]
    left_out: int = 0
    degraded: tuple[int, ...] = ()
    comparison: ConfigurationComparison | None = None
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def measure_names(self) -> tuple[str, ...]:
        """The main one first."""
        return tuple(self.means[0])


def build_report(
    queries: Sequence[JudgedQuery],
    rankings: Sequence[tuple[SearchConfiguration, Sequence[QueryRanking]]],
    cutoffs: Cutoffs,
    seed: int = 0,
    **facts: Any,
) -> EvaluationReport:
    """Measure rankings against judgments.

    Args:
        queries: (n,) the judged queries.
        rankings: one or two configurations, each with its (n,) rankings of the queries.
        cutoffs: how far down a ranking is looked.
        seed: of the bootstrap.
        facts: what else a reader should know, as JSON values by name.

    Raises:
        NotEnoughData: no query has a relevant product.
    """
    kept = [at for at, query in enumerate(queries) if relevant_products(query.gains, cutoffs.relevant_gain)]
    if not kept:
        raise NotEnoughData(
            "no query has a right product: look at the gains, and at the least gain that counts as right"
        )
    scored = [_score_query(queries[at], [ranked[at] for _, ranked in rankings], cutoffs) for at in kept]
    return EvaluationReport(
        tuple(configuration for configuration, _ in rankings),
        cutoffs,
        tuple(_means(scored, at, seed) for at in range(len(rankings))),
        tuple(_median([ranking.took_ms for ranking in ranked]) for _, ranked in rankings),
        tuple(sorted(scored, key=_worst_first)),
        len(queries) - len(kept),
        tuple(sum(bool(ranking.degraded) for ranking in ranked) for _, ranked in rankings),
        _compare(scored, seed) if len(rankings) > 1 else None,
        facts,
    )


def _score_query(query: JudgedQuery, rankings: Sequence[QueryRanking], cutoffs: Cutoffs) -> QueryScores:
    relevant = relevant_products(query.gains, cutoffs.relevant_gain)
    measures = report_measures(cutoffs.k, cutoffs.depth)
    scores = tuple(
        {name: measure(ranking.product_ids, query.gains, relevant) for name, measure in measures.items()}
        for ranking in rankings
    )
    first = tuple(_first_results(ranking, query, cutoffs.k) for ranking in rankings)
    missed = tuple(_missed_products(results, query, cutoffs.k) for results in first)
    return QueryScores(query.text, scores, first, missed)


def _first_results(ranking: QueryRanking, query: JudgedQuery, k: int) -> tuple[JudgedResult, ...]:
    titles = ranking.titles or ("",) * len(ranking.product_ids)
    return tuple(
        JudgedResult(product_id, query.gains.get(product_id), title)
        for product_id, title in zip(ranking.product_ids[:k], titles[:k], strict=True)
    )


def _missed_products(first: Sequence[JudgedResult], query: JudgedQuery, k: int) -> tuple[JudgedResult, ...]:
    """Products that are among the k of the highest gains, and not among the first k results."""
    ideal = sorted(query.gains, key=lambda product_id: (-query.gains[product_id], product_id))[:k]
    shown = {result.product_id for result in first}
    missed = [product_id for product_id in ideal if product_id not in shown and query.gains[product_id] > 0]
    return tuple(JudgedResult(product_id, query.gains[product_id]) for product_id in missed[:_MISSED])


def _means(scored: Sequence[QueryScores], configuration: int, seed: int) -> dict[str, Interval]:
    return {
        name: bootstrap([query.scores[configuration][name] for query in scored], seed)
        for name in scored[0].scores[configuration]
    }


def _compare(scored: Sequence[QueryScores], seed: int) -> ConfigurationComparison:
    names = list(scored[0].scores[0])
    differences = {name: [query.scores[0][name] - query.scores[1][name] for query in scored] for name in names}
    main = differences[names[0]]
    better, worse = sum(value > _EQUAL for value in main), sum(value < -_EQUAL for value in main)
    intervals = {name: bootstrap(values, seed) for name, values in differences.items()}
    return ConfigurationComparison(intervals, better, worse, len(main) - better - worse)


def _worst_first(query: QueryScores) -> tuple[float, str]:
    """Sort key: the main measure, or its difference where there are two configurations; then the text."""
    main = [next(iter(scores.values())) for scores in query.scores]
    return (main[0] - main[1] if len(main) > 1 else main[0], query.query)


def _median(values: Sequence[float]) -> float:
    """The upper median; 0 of no values."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0
