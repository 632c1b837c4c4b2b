"""Measures of one ranked list of product ids against the gains of judged products. Pure.

A product that is not judged gains nothing; a repeated one counts where it first stands, and is a miss after.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

Gains = Mapping[str, float]
"""How right a product is for a query, by its id; ≥ 0."""


def ndcg(ranked: Sequence[str], gains: Gains, k: int) -> float:
    """Discounted gain of the first k, relative to that of the best order of the judged products, in [0, 1].

    0 where no judged product has a gain.

    Source: Järvelin and Kekäläinen, 2002, "Cumulated gain-based evaluation of IR techniques"; the discount is
    log2(rank + 1), the gains are taken as they are.
    """
    ideal = _discounted(sorted(gains.values(), reverse=True)[:k])
    found = _discounted([gains.get(one, 0.0) if one is not None else 0.0 for one in _without_repetitions(ranked[:k])])
    return found / ideal if ideal else 0.0


def precision(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Share of right products among the first k, where places that are not filled count as wrong."""
    return _hits(ranked, relevant, k) / k


def recall(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Share of the right products that are among the first k; 0 where there are none."""
    return _hits(ranked, relevant, k) / len(relevant) if relevant else 0.0


def f1(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Harmonic mean of precision and recall at k; 0 where both are."""
    return 2 * _hits(ranked, relevant, k) / (k + len(relevant))


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """1 / rank of the first right product; 0 where the list has none."""
    return next((1 / rank for rank, one in enumerate(ranked, start=1) if one in relevant), 0.0)


def relevant_products(gains: Gains, least: float) -> frozenset[str]:
    """Ids of the products that count as right where a measure knows no degrees.

    Args:
        gains: of the judged products.
        least: the least gain of a right product; 0 stands for any gain above 0.
    """
    return frozenset(one for one, gain in gains.items() if gain > 0 and gain >= least)


def report_measures(k: int, depth: int) -> dict[str, Callable[[Sequence[str], Gains, Collection[str]], float]]:
    """The measures of a report by their names, each of (ranked, gains, right products).

    Args:
        k: the cut-off.
        depth: how long the ranked lists are; the reciprocal rank and a further recall look at all of it.
    """
    at_k: dict[str, Callable[[Sequence[str], Gains, Collection[str]], float]] = {
        f"nDCG@{k}": lambda ranked, gains, _: ndcg(ranked, gains, k),
        f"recall@{k}": lambda ranked, _, relevant: recall(ranked, relevant, k),
        f"precision@{k}": lambda ranked, _, relevant: precision(ranked, relevant, k),
        f"F1@{k}": lambda ranked, _, relevant: f1(ranked, relevant, k),
        "MRR": lambda ranked, _, relevant: reciprocal_rank(ranked, relevant),
    }
    if depth > k:
        at_k[f"recall@{depth}"] = lambda ranked, _, relevant: recall(ranked, relevant, depth)
    return at_k


def _hits(ranked: Sequence[str], relevant: Collection[str], k: int) -> int:
    return len({one for one in ranked[:k] if one in relevant})


def _discounted(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _without_repetitions(ranked: Sequence[str]) -> list[str | None]:
    seen: set[str] = set()
    kept: list[str | None] = []
    for one in ranked:
        kept.append(None if one in seen else one)
        seen.add(one)
    return kept
