"""From evidence to how often it is right, measured where the answer is known. Pure.

Source: Platt, 1999, "Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized Likelihood
Methods": a logistic curve, here over several scores at once, so that each field learns which evidence tells it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RIDGE = 1.0
"""How much weights are held near 0, so that a few cases make nothing certain."""
_STEPS, _STILL = 50, 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic curve, and what it was fitted to."""

    weights: tuple[float, ...]
    bias: float
    cases: int

    def __call__(self, features: Floats) -> Floats:
        """How often candidates with these features (n, d) are right → (n,), above 0 and below 1."""
        return _sigmoid(features @ np.asarray(self.weights) + self.bias)


def fit_calibration(features: Floats, right: Floats) -> Calibration:
    """Fit the curve by Newton's method.

    Args:
        features: of candidates, (n, d), n ≥ 1.
        right: whether each was, 0 or 1, (n,).
    """
    design = np.column_stack([features, np.ones(len(features))])
    ridge = np.full(design.shape[1], _RIDGE)
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        likely = _sigmoid(design @ weights)
        slope = design.T @ (right - likely) - ridge * weights
        curvature = (design.T * (likely * (1 - likely))) @ design + np.diag(ridge)
        step = np.linalg.solve(curvature, slope)
        weights += step
        if np.abs(step).max() < _STILL:
            break
    return Calibration(tuple(map(float, weights[:-1])), float(weights[-1]), len(features))


def _sigmoid(logits: Floats) -> Floats:
    # Far out it is so near 0 or 1 that nothing tells them apart, and beyond this the exponential overflows.
    return 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
