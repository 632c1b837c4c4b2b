"""The first of a ranking are the same however many of them are asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.retrieval.candidate_columns import CandidateColumns, ScoredCandidate
from query_api.search.ranking import IMPLIED_AT_MOST, RankWeights, Scoring, rank_by_scores

scores = st.lists(st.integers(-2, 2), max_size=60)


@given(scores, st.integers(0, 70))
def test_the_best_are_the_first_of_all(dense: list[int], best: int) -> None:
    candidates = CandidateColumns.of([ScoredCandidate(f"{at:02}", float(one), 0.0) for at, one in enumerate(dense)])
    scoring = Scoring(RankWeights(1.0, 1.0))
    whole, first = (rank_by_scores(candidates, scoring, None, wanted).ids for wanted in (None, best))
    assert first == whole[:best]


def test_a_product_without_the_words_counts_by_how_near_it_is_to_those_with_them() -> None:
    found = ranked([("half", 0.1, 1.0), ("near", 0.2, 0.0), ("far", 0.01, 0.0), ("whole", 0.2, 2.0)])
    assert list(found) == ["whole", "near", "half", "far"]
    # As near as those with words are, or nearer: what they have on average.
    assert found["near"] == pytest.approx((0.6 + 0.3) / 2)
    assert found["far"] == pytest.approx(IMPLIED_AT_MOST * 0.01)


def test_an_encoder_that_is_not_trusted_implies_next_to_nothing() -> None:
    trust = 0.001
    found = ranked([("half", 0.1 * trust, 1.0), ("near", 0.2 * trust, 0.0), ("whole", 0.2 * trust, 2.0)])
    assert list(found) == ["whole", "half", "near"]
    assert found["near"] < 0.001


@given(st.lists(st.tuples(st.floats(-1, 1), st.sampled_from((0.0, 0.5, 3.0))), max_size=40))
def test_nearness_implies_no_more_than_words_are_worth(products: list[tuple[float, float]]) -> None:
    found = ranked([(f"{at:02}", dense, lexical) for at, (dense, lexical) in enumerate(products)])
    assert all(0 <= part <= 0.6 + 1e-9 for part in found.values())
    if not any(lexical for _, lexical in products):
        assert not any(found.values())


def ranked(products: list[tuple[str, float, float]]) -> dict[str, float]:
    """Lexical parts by product, the best product first. Args: products: id, dense and lexical score."""
    candidates = CandidateColumns.of([ScoredCandidate(*one) for one in products])
    ranking = rank_by_scores(candidates, Scoring(RankWeights(0.6, 0.0, implies_words=True)), None)
    return {one.candidate.product_id: one.lexical_part for one in ranking}
