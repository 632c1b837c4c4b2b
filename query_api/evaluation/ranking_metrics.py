"""Measures of one ranked list of product ids against the gains of judged products. Pure.

A product that is not judged has no gain. A repeated product counts at its first rank, and as a wrong one after that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

Gains = Mapping[str, float]
"""How relevant each judged product is to a query, by product id; ≥ 0."""

Measure = Callable[[Sequence[str], Gains, Collection[str]], float]
"""Of (ranked product ids, gains, ids of the relevant products)."""


def ndcg(ranked: Sequence[str], gains: Gains, k: int) -> float:
    """Normalised discounted cumulative gain of the first k, in [0, 1]; 0 if no judged product has a gain.

    Source: Järvelin and Kekäläinen, 2002, "Cumulated gain-based evaluation of IR techniques"; the discount is
    log2(rank + 1), the gains are taken as they are.
    """
    ideal = _discounted(sorted(gains.values(), reverse=True)[:k])
    distinct = _blank_repetitions(ranked[:k])
    actual = _discounted([gains.get(product_id, 0.0) if product_id is not None else 0.0 for product_id in distinct])
    return actual / ideal if ideal else 0.0


def precision(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Share of relevant products among the first k; ranks that a shorter list does not fill count as wrong."""
    return _hits(ranked, relevant, k) / k


def recall(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Share of the relevant products that are among the first k; 0 if there are none."""
    return _hits(ranked, relevant, k) / len(relevant) if relevant else 0.0


def f1(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Harmonic mean of precision and recall at k; 0 if both are."""
    return 2 * _hits(ranked, relevant, k) / (k + len(relevant))


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """1 / rank of the first relevant product; 0 if the list has none."""
    return next((1 / rank for rank, product_id in enumerate(ranked, start=1) if product_id in relevant), 0.0)


def relevant_products(gains: Gains, least: float) -> frozenset[str]:
    """Ids of the products that are relevant in measures without degrees.

    Args:
        gains: of the judged products.
        least: the least gain of a relevant product; 0: any gain above 0.
    """
    return frozenset(product_id for product_id, gain in gains.items() if gain > 0 and gain >= least)


def report_measures(k: int, depth: int) -> dict[str, Measure]:
    """The measures of a report by their names, the main one first.

    Args:
        k: the cut-off.
        depth: the length of the ranked lists; the reciprocal rank and, where it is above k, a second recall use all
            of it.
    """
    measures: dict[str, Measure] = {
        f"nDCG@{k}": lambda ranked, gains, _: ndcg(ranked, gains, k),
        f"recall@{k}": lambda ranked, _, relevant: recall(ranked, relevant, k),
        f"precision@{k}": lambda ranked, _, relevant: precision(ranked, relevant, k),
        f"F1@{k}": lambda ranked, _, relevant: f1(ranked, relevant, k),
        "MRR": lambda ranked, _, relevant: reciprocal_rank(ranked, relevant),
    }
    if depth > k:
        measures[f"recall@{depth}"] = lambda ranked, _, relevant: recall(ranked, relevant, depth)
    return measures


def _hits(ranked: Sequence[str], relevant: Collection[str], k: int) -> int:
    return len({product_id for product_id in ranked[:k] if product_id in relevant})


def _discounted(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _blank_repetitions(ranked: Sequence[str]) -> list[str | None]:
    """The list with None in place of each product that came before."""
    seen: set[str] = set()
    blanked: list[str | None] = []
    for product_id in ranked:
        blanked.append(None if product_id in seen else product_id)
        seen.add(product_id)
    return blanked
