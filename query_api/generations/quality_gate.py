"""Compares a new generation of the index with the active one: does it answer well enough to be switched to?"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from query_api.contract.requests import MAX_TEXT, SearchRequest
from query_api.evaluation.ranking_metrics import ndcg
from query_api.wiring.components import open_searcher
from query_api.wiring.ports import QueryPorts

_DASHES = re.compile(r"(?<!\w)[-−–—]+")

Judgments = Mapping[str, Mapping[str, float]]
"""Gains by query and product id."""


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What a generation must reach."""

    k: int = 10
    overlap: float = 0.2
    """The least mean share of the first k results that both generations have. Another encoder may differ a lot."""
    known_item_loss: float = 0.02
    """How much less often than before a product may be among the first k for its own title."""
    ndcg_loss: float = 0.01
    """How much lower the nDCG@k of judged queries may be."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """How the generations compare."""

    k: int
    queries: int
    overlap: float
    known_item_rates: tuple[float, float]
    """How often a product is among the first k for its own title: active, new."""
    ndcg: tuple[float, float] | None
    """Mean nDCG@k of the judged queries: active, new; None without judgments."""
    shortfalls: tuple[str, ...]
    """What falls short, in words; empty: the generation may be switched to."""


async def compare_generations(
    active: QueryPorts,
    new: QueryPorts,
    titles: Mapping[str, str],
    judgments: Judgments,
    limits: GateLimits,
    share: float = 1.0,
) -> GateResult:
    """Ask both generations the same queries, and compare their answers.

    Args:
        active, new: the generations.
        titles: of a sample of products, by product id: queries whose right answer is known.
        judgments: queries with judged products, if there are any.
        limits: what the new one must reach.
        share: of the time, in (0, 1], that asking takes: shoppers ask the same servers.

    Raises:
        StoreUnavailable: a store does not answer.
    """
    queries = [*titles.values(), *judgments]
    before, after = [await _top_k(ports, queries, limits.k, share) for ports in (active, new)]
    overlap = float(np.mean([_overlap(*pair) for pair in zip(before, after, strict=True)])) if queries else 1.0
    known = tuple(_known_item_rate(titles, lists) for lists in (before, after))
    judged = tuple(_mean_ndcg(judgments, lists[len(titles) :], limits.k) for lists in (before, after))
    verdict = GateResult(limits.k, len(queries), overlap, (known[0], known[1]), None, ())
    ndcgs = (judged[0], judged[1]) if judgments else None
    return GateResult(
        limits.k, len(queries), overlap, verdict.known_item_rates, ndcgs, _shortfalls(verdict, ndcgs, limits)
    )


async def _top_k(ports: QueryPorts, queries: Sequence[str], k: int, share: float) -> list[list[str]]:
    """The ids of the first k results of each query."""
    lists: list[list[str]] = []
    async with open_searcher(ports) as searcher:
        for text in queries:
            began_s = time.monotonic()
            request = SearchRequest(text=_plain(text), correct=False, price_phrases=False, exclusion_phrases=False)
            results = await searcher.rank(request, use_cache=False)
            lists.append(results.ranked[:k].ids)
            await asyncio.sleep((time.monotonic() - began_s) * (1 / share - 1))
    return lists


def _plain(text: str) -> str:
    """A title as a query that excludes nothing."""
    return _DASHES.sub(" ", text)[:MAX_TEXT]


def _overlap(first: Sequence[str], second: Sequence[str]) -> float:
    longest = max(len(first), len(second))
    return len({*first} & {*second}) / longest if longest else 1.0


def _known_item_rate(titles: Mapping[str, str], lists: Sequence[Sequence[str]]) -> float:
    is_known = [product_id in ids for product_id, ids in zip(titles, lists, strict=False)]
    return float(np.mean(is_known)) if is_known else 1.0


def _mean_ndcg(judgments: Judgments, lists: Sequence[Sequence[str]], k: int) -> float:
    scores = [ndcg(ids, gains, k) for ids, gains in zip(lists, judgments.values(), strict=True)]
    return float(np.mean(scores)) if scores else 0.0


def _shortfalls(verdict: GateResult, ndcgs: tuple[float, float] | None, limits: GateLimits) -> tuple[str, ...]:
    k, (before, after) = limits.k, verdict.known_item_rates
    checks: list[tuple[bool, Callable[[], str]]] = [
        (
            verdict.overlap < limits.overlap,
            lambda: f"overlap@{k} is {verdict.overlap:.3f}, below {limits.overlap:g}",
        ),
        (
            after < before - limits.known_item_loss,
            lambda: f"products are in the first {k} for their own titles in {after:.1%}, before in {before:.1%}",
        ),
    ]
    if ndcgs:
        checks.append(
            (
                ndcgs[1] < ndcgs[0] - limits.ndcg_loss,
                lambda: f"nDCG@{k} of the judged queries is {ndcgs[1]:.3f}, before {ndcgs[0]:.3f}",
            )
        )
    return tuple(say() for failed, say in checks if failed)
