"""Weights of text, image and lexical evidence fitted to judged queries, and what they gain on other queries. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from query_api.errors import NotEnoughData
from query_api.evaluation.intervals import Interval, bootstrap
from query_api.evaluation.ranking_metrics import Gains

FOLDS, REPEATS = 5, 10
LEAST_QUERIES = 10
STEPS = 20
"""Of the grid: weights are multiples of 1/20, and sum to 1."""
SLACK_ERRORS = 0.5
"""Weights pass for as good as the best if their loss is within this many standard errors. Tried on 30 queries: with 0
the choice followed the noise, with 1 it kept weights that did harm."""
Values = NDArray[np.float64]
PartScores = tuple[float, float, float]
"""A candidate's text, image and lexical score, each with a weight of 1."""


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """What each part of the score counts; only their proportions matter."""

    text: float
    image: float
    lexical: float


LEXICAL_ONLY = FusionWeights(0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class CandidateParts:
    """One query's candidates.

    Attributes:
        product_ids: (m,) distinct.
        parts: (m, 3) float64, each candidate's text, image and lexical score with a weight of 1.
        gains: of the query's judged products.
    """

    product_ids: tuple[str, ...]
    parts: Values
    gains: Gains


@dataclass(frozen=True, slots=True)
class FittedWeights:
    """Fitted weights, and the nDCG that fitting reaches on queries that were left out of it.

    Attributes:
        weights: fitted to all queries.
        held_out: mean nDCG of the queries, each with weights that were fitted without it.
        present: mean nDCG with the weights that are in force.
        lexical: mean nDCG of lexical search alone.
        gain: held_out − present, by paired bootstrap.
        over_lexical: held_out − lexical, by paired bootstrap.
        chosen: the weights that the folds chose most often with how often they did, most frequent first; at most 5.
    """

    weights: FusionWeights
    held_out: Interval
    present: Interval
    lexical: Interval
    gain: Interval
    over_lexical: Interval
    chosen: tuple[tuple[FusionWeights, int], ...]

    @property
    def is_recommended(self) -> bool:
        """Whether, on held-out queries, the interval of the gain over the present weights lies above 0."""
        return self.gain.low > 0


def weight_grid(with_images: bool) -> list[FusionWeights]:
    """All weights that are tried.

    Args:
        with_images: whether any candidate has an image score; False: all weights of images are 0.
    """
    steps = range(STEPS + 1)
    pairs = ((text, image) for text, image in itertools.product(steps, steps if with_images else (0,)))
    return [
        FusionWeights(text / STEPS, image / STEPS, (STEPS - text - image) / STEPS)
        for text, image in pairs
        if text + image <= STEPS
    ]


def fit_weights(
    queries: Sequence[CandidateParts], present: Values, present_weights: FusionWeights, k: int, seed: int = 0
) -> FittedWeights:
    """Choose the weights with the highest mean nDCG@k, and measure that choice by cross-validation over queries.

    A query's held-out figure is its mean nDCG over `REPEATS` partitions into `FOLDS` folds, each time with the
    weights that the queries of the other folds choose.

    Args:
        queries: (n,) with their candidates.
        present: (n,) float64, nDCG@k of each query as search is now.
        present_weights: the weights in force: of several that are as good as the best, those nearest to them are
            chosen.
        k: the cut-off of nDCG.
        seed: of the folds and the bootstrap.

    Raises:
        NotEnoughData: there are fewer than `LEAST_QUERIES`.

    Source: Stone, 1974, "Cross-validatory choice and assessment of statistical predictions".
    """
    if len(queries) < LEAST_QUERIES:
        raise NotEnoughData(f"{len(queries)} judged queries are too few to fit weights to; it takes {LEAST_QUERIES}")
    grid = weight_grid(any(np.any(query.parts[:, 1]) for query in queries))
    scores = np.stack([ndcg_by_weights(query, grid, k) for query in queries])
    order = _nearest_first(grid, present_weights)
    picks = _held_out_picks(scores, order, seed)
    held_out = np.take_along_axis(scores, picks, axis=1).mean(axis=1)
    lexical = scores[:, grid.index(LEXICAL_ONLY)]
    counts: NDArray[np.int64] = np.bincount(picks.ravel(), minlength=len(grid))
    return FittedWeights(
        grid[choose_column(scores, order)],
        bootstrap(held_out, seed),
        bootstrap(present, seed),
        bootstrap(lexical, seed),
        bootstrap(held_out - present, seed),
        bootstrap(held_out - lexical, seed),
        tuple((grid[at], int(counts[at])) for at in _most_frequent(counts)[:5]),
    )


def choose_column(scores: Values, order: Sequence[int]) -> int:
    """Choose weights: of those as good as the best, the first in a given order.

    Weights are as good as the best if their mean loss against them is within `SLACK_ERRORS` standard errors of that
    loss, query by query.

    Args:
        scores: (queries, weights) float64, nDCG.
        order: columns, the preferred first.

    Source: Breiman et al., 1984, "Classification and Regression Trees" (the rule of one standard error).
    """
    means = scores.mean(axis=0)
    losses = scores[:, [int(means.argmax())]] - scores
    errors = losses.std(axis=0) / np.sqrt(len(scores))
    return next(at for at in order if losses[:, at].mean() <= SLACK_ERRORS * errors[at])


def ndcg_by_weights(query: CandidateParts, grid: Sequence[FusionWeights], k: int) -> Values:
    """nDCG@k of a query with each of the weights, (weights,) float64.

    Products with equal scores are in the order of their ids, as the query worker has them.
    """
    by_id = sorted(range(len(query.product_ids)), key=query.product_ids.__getitem__)
    # Rounded: products that are equal must not be parted by the last digits of a sum.
    scores = np.round(query.parts[by_id] @ _as_array(grid).T, 9)
    best = np.argsort(-scores, axis=0, kind="stable")[:k]
    gains = np.array([query.gains.get(query.product_ids[at], 0.0) for at in by_id])
    discounts = 1 / np.log2(np.arange(2, len(best) + 2))
    ideal_gains = sorted(query.gains.values(), reverse=True)[:k]
    ideal = sum(gain / np.log2(rank + 2) for rank, gain in enumerate(ideal_gains))
    return discounts @ gains[best] / ideal if ideal and len(best) else np.zeros(len(grid))


def merge_rankings(rankings: Sequence[Mapping[str, PartScores]], gains: Gains) -> CandidateParts:
    """A query's candidates from several rankings of it, each with its products' score parts by product id."""
    parts: dict[str, PartScores] = {}
    for ranking in rankings:
        parts |= ranking
    return CandidateParts(tuple(parts), np.array(list(parts.values()), np.float64).reshape(-1, 3), gains)


def _held_out_picks(scores: Values, order: Sequence[int], seed: int) -> NDArray[np.int64]:
    """(queries, repeats): the column that the queries of the other folds choose, for each query and partition."""
    picks = np.zeros((len(scores), REPEATS), np.int64)
    random = np.random.default_rng(seed)
    for repeat in range(REPEATS):
        folds = random.permutation(len(scores)) % FOLDS
        for fold in range(FOLDS):
            picks[folds == fold, repeat] = choose_column(scores[folds != fold], order)
    return picks


def _most_frequent(counts: NDArray[np.int64]) -> list[int]:
    """Positions with a count above 0, the highest count first."""
    order: NDArray[np.int64] = np.argsort(-counts, kind="stable")
    return [int(at) for at in order if counts[at]]


def _nearest_first(grid: Sequence[FusionWeights], present_weights: FusionWeights) -> list[int]:
    """Columns of the grid by the distance of their proportions from those of the present weights."""
    present = _as_array([present_weights])
    distances = np.linalg.norm(_as_array(grid) - present / (present.sum() or 1.0), axis=1)
    return [int(at) for at in np.argsort(distances, kind="stable")]


def _as_array(grid: Sequence[FusionWeights]) -> Values:
    """(weights, 3) float64: text, image, lexical."""
    return np.array([[weights.text, weights.image, weights.lexical] for weights in grid], np.float64)
