"""Confidences that say how often something is right."""

from __future__ import annotations

import numpy as np

from indexer.labels.calibration import fit_calibration


def draw(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of which the first alone tells, whether each case was right, and how likely that was."""
    rng = np.random.default_rng(seed)
    features = rng.random((count, 2))
    likely = 1 / (1 + np.exp(-(8 * features[:, 0] - 4)))
    return features, (rng.random(count) < likely).astype(float), likely


def test_confidences_are_as_often_right_as_they_say():
    features, right, _ = draw(2000)
    curve = fit_calibration(features, right)
    unseen, _, likely = draw(500, seed=1)
    assert np.abs(curve(unseen) - likely).max() < 0.08


def test_evidence_that_tells_nothing_counts_for_nothing():
    features, right, _ = draw(2000)
    telling, idle = fit_calibration(features, right).weights
    assert telling > 6 and abs(idle) < 0.6


def test_a_few_cases_make_nothing_certain():
    curve = fit_calibration(np.array([[0.9], [1.0], [0.1], [0.0]]), np.array([1.0, 1.0, 0.0, 0.0]))
    assert 0.2 < curve(np.array([[0.0]]))[0] < curve(np.array([[1.0]]))[0] < 0.8


def test_cases_that_were_all_right_are_no_certainty_either():
    curve = fit_calibration(np.ones((50, 1)), np.ones(50))
    assert 0.9 < curve(np.ones((1, 1)))[0] < 1
