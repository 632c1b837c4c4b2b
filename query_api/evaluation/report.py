"""What judged queries say of one configuration of search, or of two compared. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from query_api.evaluation.intervals import Interval, bootstrap
from query_api.evaluation.judgments import JudgedQuery
from query_api.evaluation.ranking_metrics import relevant_products, report_measures


@dataclass(frozen=True, slots=True)
class SearchConfiguration:
    """A way to ask."""

    name: str
    request: Mapping[str, Any]
    """Fields of the search request beside the text."""


@dataclass(frozen=True, slots=True)
class QueryRanking:
    """What one query found."""

    product_ids: tuple[str, ...]
    """Best first."""
    titles: tuple[str, ...] = ()
    took_ms: float = 0.0
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What is looked at."""

    k: int = 10
    depth: int = 100
    """How many results were asked for."""
    relevant_gain: float = 0.0
    """The least gain of a right product where a measure knows no degrees; 0: any gain above 0."""


@dataclass(frozen=True, slots=True)
class JudgedResult:
    """A result, or a right product that is none."""

    product_id: str
    gain: float | None
    """None: not judged."""
    title: str = ""


@dataclass(frozen=True, slots=True)
class QueryScores:
    """One query's figures."""

    query: str
    scores: tuple[Mapping[str, float], ...]
    """By measure, for each configuration."""
    first: tuple[tuple[JudgedResult, ...], ...]
    """The first k results, for each configuration."""
    missed: tuple[tuple[JudgedResult, ...], ...]
    """The best judged products that are not among them, for each configuration."""


@dataclass(frozen=True, slots=True)
class ConfigurationComparison:
    """The first configuration against the second, query by query."""

    differences: Mapping[str, Interval]
    """First − second, by measure."""
    better: int
    worse: int
    equal: int
    """Queries whose first measure is higher, lower and the same with the first configuration."""


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Figures of judged queries.

    Attributes:
        means: by measure, for each configuration; the first measure is the main one.
        median_ms: of the answers, for each configuration.
        queries: worst first: by the first configuration's main measure, or by the difference where there are two.
        left_out: queries without a right product: no ranking of them is better than another.
        degraded: answers for which a server was left out, for each configuration.
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


_EQUAL = 1e-12
_MISSED = 5


def build_report(
    queries: Sequence[JudgedQuery],
    asked: Sequence[tuple[SearchConfiguration, Sequence[QueryRanking]]],
    cutoffs: Cutoffs,
    seed: int = 0,
    **facts: Any,
) -> EvaluationReport:
    """Measure rankings.

    Args:
        queries: (n,) what was asked.
        asked: one or two configurations with their (n,) rankings.
        seed: of the bootstrap.
        facts: what else is to be told, as JSON values.

    Raises:
        ValueError: no query has a right product.
    """
    kept = [at for at, one in enumerate(queries) if relevant_products(one.gains, cutoffs.relevant_gain)]
    if not kept:
        raise ValueError("no query has a right product: look at the gains, and at the least gain that counts as right")
    scored = [_scores(queries[at], [rankings[at] for _, rankings in asked], cutoffs) for at in kept]
    comparison = _compare(scored, seed) if len(asked) > 1 else None
    return EvaluationReport(
        tuple(configuration for configuration, _ in asked),
        cutoffs,
        tuple(_means(scored, at, seed) for at in range(len(asked))),
        tuple(_median([one.took_ms for one in rankings]) for _, rankings in asked),
        tuple(sorted(scored, key=_badness)),
        len(queries) - len(kept),
        tuple(sum(bool(one.degraded) for one in rankings) for _, rankings in asked),
        comparison,
        facts,
    )


def _scores(query: JudgedQuery, rankings: Sequence[QueryRanking], cutoffs: Cutoffs) -> QueryScores:
    relevant = relevant_products(query.gains, cutoffs.relevant_gain)
    by_name = report_measures(cutoffs.k, cutoffs.depth)
    scores = (
        {name: one(found.product_ids, query.gains, relevant) for name, one in by_name.items()} for found in rankings
    )
    first = tuple(_first(found, query, cutoffs.k) for found in rankings)
    return QueryScores(query.text, tuple(scores), first, tuple(_missed(places, query, cutoffs.k) for places in first))


def _first(found: QueryRanking, query: JudgedQuery, k: int) -> tuple[JudgedResult, ...]:
    titles = found.titles or ("",) * len(found.product_ids)
    return tuple(
        JudgedResult(one, query.gains.get(one), title)
        for one, title in zip(found.product_ids[:k], titles[:k], strict=True)
    )


def _missed(first: Sequence[JudgedResult], query: JudgedQuery, k: int) -> tuple[JudgedResult, ...]:
    """The products whose lack among the first k costs most."""
    ideal = sorted(query.gains, key=lambda one: (-query.gains[one], one))[:k]
    shown = {one.product_id for one in first}
    return tuple(JudgedResult(one, query.gains[one]) for one in ideal if one not in shown and query.gains[one] > 0)[
        :_MISSED
    ]


def _means(scored: Sequence[QueryScores], at: int, seed: int) -> dict[str, Interval]:
    return {name: bootstrap([one.scores[at][name] for one in scored], seed) for name in scored[0].scores[at]}


def _compare(scored: Sequence[QueryScores], seed: int) -> ConfigurationComparison:
    names = list(scored[0].scores[0])
    differences = {name: [one.scores[0][name] - one.scores[1][name] for one in scored] for name in names}
    main = differences[names[0]]
    better, worse = sum(one > _EQUAL for one in main), sum(one < -_EQUAL for one in main)
    intervals = {name: bootstrap(values, seed) for name, values in differences.items()}
    return ConfigurationComparison(intervals, better, worse, len(main) - better - worse)


def _badness(one: QueryScores) -> tuple[float, str]:
    main = [next(iter(scores.values())) for scores in one.scores]
    return (main[0] - main[1] if len(main) > 1 else main[0], one.query)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0
