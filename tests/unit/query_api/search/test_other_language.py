"""Listings in another language than the query have the words that their nearness stands for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.retrieval.candidate_columns import CandidateColumns, ScoredCandidate
from query_api.search.other_language import with_words_implied

OWN = [("best", 0.6, 4.0), ("good", 0.5, 3.0), ("poor", 0.1, 0.5)]
products = st.lists(st.tuples(st.floats(-1, 1), st.sampled_from((0.0, 0.5, 3.0)), st.booleans()), max_size=40)


def test_a_translation_counts_as_the_best_in_the_query_s_language_do() -> None:
    found = implied(OWN, [("twin", 0.35, 0.0), ("far", 0.02, 0.0)])
    # As near as the best in its own language come on average.
    assert found["twin"][1] == pytest.approx(np.mean([4.0, 3.0, 0.5]) * 0.35 / (0.8 * 0.4))
    assert found["far"][1] < 0.5
    assert [found[one[0]] for one in OWN] == [pytest.approx(one[1:]) for one in OWN]


def test_what_is_not_near_has_no_words_though_nothing_in_its_language_is_nearer() -> None:
    assert implied(OWN, [("far", 0.02, 0.0)])["far"][1] < 0.2


def test_an_encoder_that_is_not_trusted_implies_next_to_nothing() -> None:
    assert implied(OWN, [("twin", 0.6, 0.0)], share=0.001)["twin"][1] < 0.01


@given(products)
def test_nobody_loses_and_none_has_more_words_than_the_best(rows: list[tuple[float, float, bool]]) -> None:
    before = CandidateColumns.of([ScoredCandidate(f"{at:02}", row[0], row[1]) for at, row in enumerate(rows)])
    others = np.array([row[2] for row in rows], bool)
    after = with_words_implied(before, others, 0.6, 1.0)
    assert after.ids == before.ids
    assert np.all(after.dense >= before.dense)
    assert np.all(after.lexical >= before.lexical)
    assert after.lexical.max(initial=0.0) == before.lexical.max(initial=0.0)
    assert np.array_equal(after.lexical[~others], before.lexical[~others])


def implied(
    own: list[tuple[str, float, float]], others: list[tuple[str, float, float]], share: float = 1.0
) -> dict[str, tuple[float, float]]:
    """Dense and lexical scores by product. Args: own, others: id, dense and lexical score, by language."""
    candidates = CandidateColumns.of([ScoredCandidate(*one) for one in (*own, *others)])
    are_other = np.array([one in {product for product, _, _ in others} for one in candidates.ids])
    found = with_words_implied(candidates, are_other, 0.6, share)
    return {one.product_id: (one.dense, one.lexical) for one in found}
