"""Weights of text, image and lexical evidence fitted to judged queries, and what they are worth on others. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from query_api.evaluation.intervals import Interval, bootstrap
from query_api.evaluation.ranking_metrics import Gains

FOLDS, REPEATS = 5, 10
LEAST_QUERIES = 10
STEPS = 20
"""Of the grid: weights sum to 1 and are multiples of 1/20."""
SLACK_ERRORS = 0.5
"""Standard errors within which weights pass for as good as the best. On 30 queries, 0 followed the noise and 1 kept
what harmed."""
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """What each part counts; only their proportions matter."""

    text: float
    image: float
    lexical: float


LEXICAL_ONLY = FusionWeights(0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class CandidateParts:
    """One query's candidates.

    Attributes:
        product_ids: (m,) distinct.
        parts: (m, 3) text, image and lexical score, each with a weight of 1.
    """

    product_ids: tuple[str, ...]
    parts: Values
    gains: Gains


@dataclass(frozen=True, slots=True)
class FittedWeights:
    """Fitted weights, and nDCG on queries that they were not fitted to.

    Attributes:
        weights: fitted to all queries.
        held_out: nDCG of each query with the weights that the other folds chose.
        gain, over_lexical: how much that is more than with the present weights, and than by lexical search alone.
        chosen: how often each weights were chosen in the folds, the most frequent first.
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
        """Whether the fitted weights beat the present ones on held-out queries, beyond chance."""
        return self.gain.low > 0


def weight_grid(with_images: bool) -> list[FusionWeights]:
    """All weights that are tried.

    Args:
        with_images: whether any candidate has an image score; else there is nothing to weigh.
    """
    steps = range(STEPS + 1)
    pairs = ((text, image) for text, image in itertools.product(steps, steps if with_images else (0,)))
    return [
        FusionWeights(text / STEPS, image / STEPS, (STEPS - text - image) / STEPS)
        for text, image in pairs
        if text + image <= STEPS
    ]


def fit_weights(
    queries: Sequence[CandidateParts], present: Values, now: FusionWeights, k: int, seed: int = 0
) -> FittedWeights:
    """Fit weights by nDCG@k, and measure the fitting by cross-validation over queries.

    Each query's held-out figure is its mean over repeated partitions, of the weights that were chosen without it.

    Args:
        queries: (n,) with their candidates.
        present: (n,) nDCG@k of each query as search is now.
        now: the present weights: of several that are as good, those nearest to them are chosen.

    Raises:
        ValueError: there are fewer than `LEAST_QUERIES`.

    Source: Stone, 1974, "Cross-validatory choice and assessment of statistical predictions".
    """
    if len(queries) < LEAST_QUERIES:
        raise ValueError(f"{len(queries)} judged queries are too few to fit weights to; it takes {LEAST_QUERIES}")
    tried = weight_grid(any(np.any(one.parts[:, 1]) for one in queries))
    scores = np.stack([ndcg_by_weights(one, tried, k) for one in queries])
    order = _by_distance(tried, now)
    picks = _held_out_picks(scores, order, seed)
    held_out = np.take_along_axis(scores, picks, axis=1).mean(axis=1)
    lexical = scores[:, tried.index(LEXICAL_ONLY)]
    counts = np.bincount(picks.ravel(), minlength=len(tried))
    return FittedWeights(
        tried[choose_column(scores, order)],
        bootstrap(held_out, seed),
        bootstrap(present, seed),
        bootstrap(lexical, seed),
        bootstrap(held_out - present, seed),
        bootstrap(held_out - lexical, seed),
        tuple((tried[at], int(counts[at])) for at in np.argsort(-counts, kind="stable")[:5] if counts[at]),
    )


def choose_column(scores: Values, order: Sequence[int]) -> int:
    """The column of scores (queries, weights) to take: the first in order of those as good as the best.

    Source: Breiman et al., 1984, "Classification and Regression Trees" (the rule of one standard error), with
    `SLACK_ERRORS` errors of the difference to the best, query by query.
    """
    means = scores.mean(axis=0)
    losses = scores[:, [int(means.argmax())]] - scores
    errors = losses.std(axis=0) / np.sqrt(len(scores))
    return next(at for at in order if losses[:, at].mean() <= SLACK_ERRORS * errors[at])


def _held_out_picks(scores: Values, order: Sequence[int], seed: int) -> NDArray[np.int64]:
    """For each query and partition, the column that the queries of other folds choose."""
    picks = np.zeros((len(scores), REPEATS), np.int64)
    random = np.random.default_rng(seed)
    for repeat in range(REPEATS):
        folds = random.permutation(len(scores)) % FOLDS
        for fold in range(FOLDS):
            picks[folds == fold, repeat] = choose_column(scores[folds != fold], order)
    return picks


def _by_distance(tried: Sequence[FusionWeights], now: FusionWeights) -> list[int]:
    """Columns by how near their proportions are to the present ones."""
    total = now.text + now.image + now.lexical
    wanted = np.array([now.text, now.image, now.lexical]) / (total or 1.0)
    rows = np.array([[one.text, one.image, one.lexical] for one in tried])
    return [int(at) for at in np.argsort(np.linalg.norm(rows - wanted, axis=1), kind="stable")]


def ndcg_by_weights(query: CandidateParts, tried: Sequence[FusionWeights], k: int) -> Values:
    """A query's nDCG@k with each of the weights, (weights,); equal products by id, as the query worker has them."""
    by_id = sorted(range(len(query.product_ids)), key=query.product_ids.__getitem__)
    weights = np.array([[one.text, one.image, one.lexical] for one in tried])
    # Rounded, for a sum's last digits must not part what is equal.
    scores = np.round(query.parts[by_id] @ weights.T, 9)
    best = np.argsort(-scores, axis=0, kind="stable")[:k]
    gains = np.array([query.gains.get(query.product_ids[at], 0.0) for at in by_id])
    discounts = 1 / np.log2(np.arange(2, len(best) + 2))
    ideal = sorted(query.gains.values(), reverse=True)[:k]
    most = sum(gain / np.log2(rank + 2) for rank, gain in enumerate(ideal))
    return discounts @ gains[best] / most if most and len(best) else np.zeros(len(tried))


def merge_rankings(pages: Sequence[Mapping[str, tuple[float, float, float]]], gains: Gains) -> CandidateParts:
    """A query's candidates from several rankings of them, each with its (text, image, lexical) scores."""
    parts: dict[str, tuple[float, float, float]] = {}
    for page in pages:
        parts |= page
    return CandidateParts(tuple(parts), np.array(list(parts.values()), np.float64).reshape(-1, 3), gains)
