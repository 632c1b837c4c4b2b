"""Retrieval quality of embeddings: ranks, recall@k with bootstrap intervals, and a report. Pure functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.spec import FloatArray

Ranks = NDArray[np.int64]
CUT_OFFS: Final = (1, 5, 10)
_RESAMPLES: Final = 1000


@dataclass(frozen=True)
class Recall:
    """Share of queries whose target is among the first k, with a 95 % bootstrap interval."""

    k: int
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"R@{self.k} {self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class RetrievalReport:
    """Recall at each cut-off and mean reciprocal rank of one kind of search."""

    name: str
    queries: int
    candidates: int
    recalls: tuple[Recall, ...]
    mean_reciprocal_rank: float

    def __str__(self) -> str:
        recalls = "  ".join(str(recall) for recall in self.recalls)
        return f"{self.name}: {recalls}  MRR {self.mean_reciprocal_rank:.3f}  ({self.queries} among {self.candidates})"

    def recall(self, k: int) -> float:
        """Recall at one of the report's cut-offs."""
        return next(recall.value for recall in self.recalls if recall.k == k)


def target_ranks(queries: FloatArray, candidates: FloatArray, targets: Sequence[int]) -> Ranks:
    """Rank of each query's target by inner product, 1 is first; an equal score elsewhere counts against it.

    Args:
        queries: (n, d).
        candidates: (m, d).
        targets: Row among the candidates for each query.
    """
    scores = queries @ candidates.T
    rows = np.arange(len(queries))
    own = scores[rows, np.asarray(targets)][:, None]
    return np.sum(scores >= own, axis=1).astype(np.int64)


def recall_at(ranks: Ranks, k: int) -> float:
    """The share of ranks (n,) int64 that are k or better."""
    return float(np.mean(ranks <= k))


def bootstrap_interval(
    values: NDArray[np.float64], clusters: Sequence[object] | None = None, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of a mean.

    Args:
        values: (n,) one value a query.
        clusters: (n,) what makes queries dependent, such as the product that several photos show; resampled whole.
        seed: Of the resampling.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.
    """
    keys = list(range(len(values))) if clusters is None else clusters
    _, member = np.unique(np.asarray([str(key) for key in keys]), return_inverse=True)
    sums, sizes = np.bincount(member, values), np.bincount(member)
    picks = np.random.default_rng(seed).integers(0, len(sums), (_RESAMPLES, len(sums)))
    means = sums[picks].sum(axis=1) / sizes[picks].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def retrieval_report(
    name: str,
    ranks: Ranks,
    candidates: int,
    clusters: Sequence[object] | None = None,
    cut_offs: Sequence[int] = CUT_OFFS,
) -> RetrievalReport:
    """Summarise one kind of search.

    Args:
        name: of the kind of search.
        ranks: (n,) int64, of each query's target; 1 is first.
        candidates: how many there were to find it among.
        clusters: (n,) what makes queries dependent, as of `bootstrap_interval`.
        cut_offs: the k of each recall@k.
    """
    recalls: list[Recall] = []
    for k in cut_offs:
        hits = (ranks <= k).astype(np.float64)
        recalls.append(Recall(k, recall_at(ranks, k), *bootstrap_interval(hits, clusters)))
    return RetrievalReport(name, len(ranks), candidates, tuple(recalls), float(np.mean(1 / ranks)))
