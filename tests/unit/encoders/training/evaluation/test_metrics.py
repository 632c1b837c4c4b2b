"""Ranks, recall and intervals are what their definitions say."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.training.evaluation.metrics import bootstrap_interval, recall_at, retrieval_report, target_ranks


def test_ranks_count_what_scores_higher() -> None:
    candidates = np.eye(3, dtype=np.float32)
    queries = np.array([[3, 2, 1], [1, 3, 2]], np.float32)
    assert target_ranks(queries, candidates, [0, 0]).tolist() == [1, 3]


def test_a_tie_counts_against_the_target() -> None:
    candidates = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert target_ranks(np.array([[1, 0]], np.float32), candidates, [0]).tolist() == [2]


def test_recall_is_the_share_of_ranks_within_k() -> None:
    ranks = np.array([1, 2, 5, 11])
    assert [recall_at(ranks, k) for k in (1, 5, 10)] == [0.25, 0.75, 0.75]


def test_the_interval_holds_the_mean_and_shrinks_with_more_queries() -> None:
    values = np.random.default_rng(0).random(2000)
    wide, narrow = bootstrap_interval(values[:100]), bootstrap_interval(values)
    assert narrow[0] < values.mean() < narrow[1]
    assert narrow[1] - narrow[0] < wide[1] - wide[0]


def test_dependent_queries_widen_the_interval() -> None:
    values = np.repeat(np.random.default_rng(0).random(50), 20)
    clusters = np.repeat(np.arange(50), 20).tolist()
    alone, together = bootstrap_interval(values), bootstrap_interval(values, clusters)
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_the_report_names_its_search_and_its_size() -> None:
    summary = retrieval_report("photo → product", np.array([1, 1, 4, 40]), candidates=50)
    assert summary.recall(1) == 0.5
    assert summary.mean_reciprocal_rank == pytest.approx((1 + 1 + 1 / 4 + 1 / 40) / 4)
    assert "photo → product: R@1 0.500 [" in str(summary)
    assert str(summary).endswith("(4 among 50)")
