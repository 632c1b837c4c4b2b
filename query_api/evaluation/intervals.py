"""Means over queries, with 95 % bootstrap intervals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
MANY = 20_000
"""With more values than this the normal approximation is used: it is as good, and takes no time."""
_LOW, _HIGH = 2.5, 97.5
_NORMAL = 1.96


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % confidence interval over queries."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def signed(self) -> str:
        """The same of a difference, with `+` and `-`."""
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def bootstrap(values: Sequence[float] | NDArray[np.float64], seed: int = 0) -> Interval:
    """The mean of values with its percentile interval; of more than `MANY` values, with a normal interval.

    To compare two configurations, pass each query's own difference: the interval is that of a paired comparison then.

    Args:
        values: (n,) float64, one a query.
        seed: of the resampling.

    Raises:
        ValueError: there are no values.

    Source: Efron and Tibshirani, 1993, "An Introduction to the Bootstrap".
    """
    sample = np.asarray(values, np.float64)
    if not len(sample):
        raise ValueError("there is no mean of no values")
    mean = float(sample.mean())
    if len(sample) > MANY:
        error = _NORMAL * float(sample.std()) / np.sqrt(len(sample))
        return Interval(mean, mean - error, mean + error)
    random = np.random.default_rng(seed)
    means = [sample[random.integers(0, len(sample), len(sample))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [_LOW, _HIGH])
    return Interval(mean, float(low), float(high))
