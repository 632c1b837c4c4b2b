"""Fitting weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.errors import NotEnoughData
from query_api.evaluation.ranking_metrics import ndcg
from query_api.evaluation.weight_fitting import (
    LEXICAL_ONLY,
    CandidateParts,
    FusionWeights,
    fit_weights,
    merge_rankings,
    ndcg_by_weights,
    weight_grid,
)

PRESENT = FusionWeights(0.3, 0.1, 0.6)


def random_queries(queries: int, text_knows: float, lexical_knows: float) -> list[CandidateParts]:
    """Queries with 3 right products of 40, whose text and lexical scores know of them so much."""
    random = np.random.default_rng(1)
    parts: list[CandidateParts] = []
    for _ in range(queries):
        right = np.arange(40) < 3
        text = random.random(40) + text_knows * right
        lexical = random.random(40) + lexical_knows * right
        ids = tuple(f"p{number}" for number in random.permutation(40))
        gains = {ids[at]: 1.0 for at in range(3)}
        parts.append(CandidateParts(ids, np.stack([text, np.zeros(40), lexical], axis=1), gains))
    return parts


def present(queries: list[CandidateParts]) -> np.ndarray:
    return np.array([ndcg_by_weights(query, [PRESENT], 10)[0] for query in queries])


def test_weights_go_to_what_knows_more():
    queries = random_queries(60, text_knows=0.8, lexical_knows=0.1)
    fitted = fit_weights(queries, present(queries), PRESENT, 10)
    assert fitted.weights.text > fitted.weights.lexical
    assert fitted.is_recommended
    assert fitted.gain.low > 0


def test_noise_gets_no_weight_and_is_not_surely_worse_than_lexical_search():
    queries = random_queries(60, text_knows=0.0, lexical_knows=0.5)
    fitted = fit_weights(queries, present(queries), PRESENT, 10)
    assert fitted.weights.text <= 0.1
    assert fitted.over_lexical.high > 0


def test_what_does_not_beat_the_present_weights_is_not_recommended():
    queries = random_queries(60, text_knows=0.3, lexical_knows=0.6)
    best = fit_weights(queries, present(queries), PRESENT, 10)
    again = np.array([ndcg_by_weights(query, [best.weights], 10)[0] for query in queries])
    assert not fit_weights(queries, again, best.weights, 10).is_recommended


def test_held_out_figures_are_not_better_than_those_of_the_fit():
    queries = random_queries(40, text_knows=0.2, lexical_knows=0.2)
    grid = weight_grid(False)
    fitted = np.stack([ndcg_by_weights(query, grid, 10) for query in queries]).mean(axis=0).max()
    assert fit_weights(queries, present(queries), PRESENT, 10).held_out.mean <= fitted + 1e-12


def test_the_same_seed_gives_the_same_answer():
    queries = random_queries(20, 0.3, 0.3)
    assert fit_weights(queries, present(queries), PRESENT, 10, seed=3) == fit_weights(
        queries, present(queries), PRESENT, 10, seed=3
    )


def test_a_handful_of_queries_is_too_few():
    queries = random_queries(9, 0.3, 0.3)
    with pytest.raises(NotEnoughData, match="9 judged queries are too few"):
        fit_weights(queries, present(queries), PRESENT, 10)


def test_pictures_are_weighed_where_there_are_any():
    assert LEXICAL_ONLY in weight_grid(False) and LEXICAL_ONLY in weight_grid(True)
    assert all(weights.image == 0 for weights in weight_grid(False))
    assert all(sum((weights.text, weights.image, weights.lexical)) == pytest.approx(1) for weights in weight_grid(True))


def test_rankings_of_the_same_query_are_joined_without_repetition():
    merged = merge_rankings([{"a": (1, 0, 0)}, {"a": (1, 0, 0), "b": (0, 0, 1)}], {"a": 1.0})
    assert merged.product_ids == ("a", "b")
    assert merged.parts.shape == (2, 3)
    assert ndcg_by_weights(merge_rankings([], {"a": 1.0}), [PRESENT], 10).tolist() == [0]


@given(
    st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=15),
    st.lists(st.sampled_from([0.0, 0.1, 1.0]), min_size=15, max_size=15),
    st.integers(1, 12),
)
def test_all_weights_at_once_measure_as_one_ranking_does(rows, gains, k):
    ids = [f"p{at}" for at in range(len(rows))]
    query = CandidateParts(tuple(ids), np.array(rows, float), dict(zip(ids, gains, strict=False)))
    scores = query.parts @ np.array([PRESENT.text, PRESENT.image, PRESENT.lexical])
    ranked = sorted(range(len(ids)), key=lambda at: (-round(scores[at], 9), ids[at]))
    expected = ndcg([ids[at] for at in ranked], query.gains, k)
    assert ndcg_by_weights(query, [PRESENT], k)[0] == pytest.approx(expected, abs=1e-9)
