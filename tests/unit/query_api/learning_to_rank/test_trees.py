"""Trees scored by numpy: the same numbers as LightGBM's, which grew them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query_api.learning_to_rank.lightgbm_trees import trees_of
from query_api.learning_to_rank.trees import Tree, TreeScorer

lightgbm = pytest.importorskip("lightgbm")


def material(random: np.random.Generator, rows: int, missing: float) -> tuple[np.ndarray, np.ndarray]:
    values = np.round(random.normal(size=(rows, 5)) * 3, 1)
    values[random.random(values.shape) < missing] = np.nan
    return values, random.integers(0, 4, rows)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**31),
    leaves=st.sampled_from([2, 7, 8, 15, 31, 63, 64]),
    trees=st.integers(1, 12),
    missing=st.sampled_from([0.0, 0.2]),
    objective=st.sampled_from(["lambdarank", "regression"]),
)
def test_scores_are_lightgbms(seed: int, leaves: int, trees: int, missing: float, objective: str) -> None:
    random = np.random.default_rng(seed)
    rows, labels = material(random, 400, missing)
    data = lightgbm.Dataset(rows, labels, group=[20] * 20)
    parameters = {"objective": objective, "num_leaves": leaves, "min_data_in_leaf": 2, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(parameters, data, trees)
    # Others than it was grown on, values on its thresholds and values that it never lacked among them.
    asked, _ = material(random, 300, 0.1)
    scorer = TreeScorer(trees_of(booster.dump_model()))
    for questions in (rows, asked):
        expected = booster.predict(questions, raw_score=True, num_threads=1)
        np.testing.assert_allclose(scorer.scores(questions), expected, rtol=0, atol=1e-6)


def test_no_trees_add_nothing_and_a_single_leaf_adds_its_value():
    rows = np.zeros((3, 2))
    assert TreeScorer([]).scores(rows).tolist() == [0.0] * 3
    assert TreeScorer([Tree([], [], [], [], [], [0.5])]).scores(rows).tolist() == [0.5] * 3


@pytest.mark.parametrize(
    "columns",
    [
        ([0], [1.0], [True], [-1], [-1], [0.0, 1.0]),
        ([0], [1.0], [True], [0], [-1], [0.0, 1.0]),
        ([0], [1.0], [True], [-2], [-1], [0.0, 1.0]),
        ([0], [1.0, 2.0], [True], [-1], [-2], [0.0, 1.0]),
        ([0], [1.0], [True], [-1], [7], [0.0, 1.0]),
        ([], [], [], [], [], []),
    ],
)
def test_what_is_no_tree_is_refused(columns):
    with pytest.raises(ValueError, match="tree"):
        Tree(*columns)
