"""From the share of a vote to how often it is right, measured where the answer is known. Pure.

Source: Zadrozny and Elkan, 2002, "Transforming Classifier Scores into Accurate Multiclass Probability Estimates":
isotonic regression by pooling adjacent violators. It runs over bins of equally many cases, smoothed by Laplace's rule,
so that a few cases at the end of the scale make nothing certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_CASES = 40
"""With fewer, nothing is known of how often a vote is right."""
BIN_CASES, MOST_BINS = 10, 20


@dataclass(frozen=True, slots=True)
class Calibration:
    """A curve that never falls, through the mean score of each pool."""

    scores: tuple[float, ...]
    confidences: tuple[float, ...]
    cases: int

    def __call__(self, score: float) -> float:
        """How often a vote with this share is right, 0 to 1."""
        return float(np.interp(score, self.scores, self.confidences))


def calibrate(cases: Sequence[tuple[float, bool]]) -> Calibration | None:
    """Fit the curve to pairs of a score and whether it was right; None: there are too few of them."""
    if len(cases) < LEAST_CASES:
        return None
    pools: list[_Pool] = []
    for some in np.array_split(np.array(sorted(cases), np.float64), min(MOST_BINS, len(cases) // BIN_CASES)):
        pools.append(_Pool(len(some), float(some[:, 1].sum()), float(some[:, 0].sum())))
        while len(pools) > 1 and pools[-2].rate >= pools[-1].rate:
            last, before = pools.pop(), pools.pop()
            pools.append(_Pool(before.count + last.count, before.right + last.right, before.scores + last.scores))
    # A larger pool is smoothed less than the better one after it, which must not fall below it for that.
    smoothed = np.maximum.accumulate([(one.right + 1) / (one.count + 2) for one in pools])
    return Calibration(tuple(one.scores / one.count for one in pools), tuple(map(float, smoothed)), len(cases))


@dataclass(frozen=True, slots=True)
class _Pool:
    count: int
    right: float
    scores: float

    @property
    def rate(self) -> float:
        return self.right / self.count
