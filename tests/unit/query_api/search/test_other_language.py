"""Listings in another language than the query have the words that their nearness stands for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.contract.requests import SearchRequest
from query_api.retrieval.candidate_columns import CandidateColumns, ScoredCandidate
from query_api.search.other_language import FEW, ImpliedWords, Listings

Scores = tuple[str, float, float]
"""A product's id, its similarity and its words."""

OWN: list[Scores] = [
    *(("a", 0.6, 4.0), ("b", 0.5, 3.0), ("c", 0.4, 2.0), ("d", 0.3, 1.0), ("e", 0.2, 0.5)),
    *((f"{at}", 0.0, 0.1) for at in range(FEW - 5)),
]
products = st.lists(
    st.tuples(st.floats(-1, 1), st.sampled_from((0.0, 0.5, 3.0)), st.booleans(), st.integers(0, 2)),
    min_size=20,
    max_size=60,
)


def test_a_translation_counts_as_the_best_in_the_query_s_language_do() -> None:
    found = implied(OWN, [("twin", 0.35, 0.0), ("far", 0.02, 0.0)])
    # As near as the best in its own language come on average.
    assert found["twin"][1] == pytest.approx(np.mean([4.0, 3.0, 2.0, 1.0, 0.5]) * 0.35 / (0.8 * 0.4))
    assert found["far"][1] < 0.5
    assert [found[product_id[0]] for product_id in OWN] == [pytest.approx(product_id[1:]) for product_id in OWN]


def test_what_is_not_near_has_no_words_though_nothing_in_its_language_is_nearer() -> None:
    assert implied(OWN, [("far", 0.02, 0.0)])["far"][1] < 0.2


def test_an_encoder_that_is_not_trusted_implies_next_to_nothing() -> None:
    assert implied(OWN, [("twin", 0.6, 0.0)], share=0.001)["twin"][1] < 0.01


def test_a_product_of_another_category_has_no_words_however_near() -> None:
    fruit, dress = ("fruit", 0.5, 0.0), ("twin", 0.35, 0.0)
    found = implied(OWN, [fruit, dress], category={"fruit": 2})
    assert found["fruit"] == pytest.approx(fruit[1:])
    assert found["twin"][1] > 1


def test_products_without_a_category_have_words_where_the_best_have_none_either() -> None:
    assert implied(OWN, [("twin", 0.5, 0.0)], category={"twin": 0})["twin"] == pytest.approx((0.5, 0.0))
    nowhere = dict.fromkeys(["twin", *(product_id[0] for product_id in OWN)], 0)
    assert implied(OWN, [("twin", 0.5, 0.0)], category=nowhere)["twin"][1] > 1


def test_a_word_that_less_than_a_page_of_products_have_is_implied_in_none() -> None:
    assert SearchRequest().k == FEW
    assert implied(OWN[:-1], [("twin", 0.5, 0.0)])["twin"] == pytest.approx((0.5, 0.0))


@given(products)
def test_nobody_loses_and_none_has_more_words_than_the_best(rows: list[tuple[float, float, bool, int]]) -> None:
    before = CandidateColumns.of([ScoredCandidate(f"{at:02}", row[0], row[1]) for at, row in enumerate(rows)])
    others = np.array([row[2] for row in rows], bool)
    after = with_implied(Listings(before, others, np.array([row[3] for row in rows], np.int32)))
    assert after.ids == before.ids
    assert np.all(after.dense >= before.dense)
    assert np.all(after.lexical >= before.lexical)
    assert after.lexical.max(initial=0.0) == before.lexical.max(initial=0.0)
    assert np.array_equal(after.lexical[~others], before.lexical[~others])


def implied(
    own: list[Scores], others: list[Scores], share: float = 1.0, category: Mapping[str, int] = MappingProxyType({})
) -> dict[str, tuple[float, float]]:
    """Dense and lexical scores by product. Args: own, others: by language; category: of those that are not in 1."""
    candidates = CandidateColumns.of([ScoredCandidate(*one) for one in (*own, *others)])
    are_other = np.array([product_id in {product for product, _, _ in others} for product_id in candidates.ids])
    categories = np.array([category.get(product_id, 1) for product_id in candidates.ids], np.int32)
    found = with_implied(Listings(candidates, are_other, categories), share)
    return {product_id.product_id: (product_id.dense, product_id.lexical) for product_id in found}


def with_implied(listings: Listings, share: float = 1.0) -> CandidateColumns:
    words = ImpliedWords.of(listings, lexical_weight=0.6, share=share)
    return listings.scores if words is None else words.given_to(listings)
