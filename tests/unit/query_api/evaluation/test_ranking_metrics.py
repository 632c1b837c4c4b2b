"""Measures: known values, and what holds for any ranking."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.evaluation.ranking_metrics import f1, ndcg, precision, recall, reciprocal_rank, relevant_products

PRODUCTS = list("abcdefghijkl")
gains_of = st.dictionaries(st.sampled_from(PRODUCTS), st.sampled_from([0.0, 0.01, 0.1, 1.0, 3.0]))
rankings = st.lists(st.sampled_from(PRODUCTS), max_size=20)
cut_offs = st.integers(1, 15)


def test_ndcg_of_a_known_list():
    gains = {"a": 3.0, "b": 2.0, "c": 3.0, "d": 0.0, "e": 1.0, "f": 2.0}
    # The textbook's example: gains 3, 2, 3, 0, 1, 2 in this order.
    found = 3 + 2 / math.log2(3) + 3 / 2 + 0 + 1 / math.log2(6) + 2 / math.log2(7)
    ideal = 3 + 3 / math.log2(3) + 2 / 2 + 2 / math.log2(5) + 1 / math.log2(6)
    assert ndcg(list("abcdef"), gains, 6) == pytest.approx(found / ideal, abs=1e-12)


def test_gains_of_esci_are_taken_as_they_are():
    gains = {"e": 1.0, "s": 0.1, "c": 0.01, "i": 0.0}
    expected = (0.1 + 1 / math.log2(3)) / (1 + 0.1 / math.log2(3) + 0.01 / 2)
    assert ndcg(["s", "e", "x"], gains, 10) == pytest.approx(expected, abs=1e-12)


def test_precision_recall_f1_and_reciprocal_rank_of_a_known_list():
    ranked, relevant = list("xaybz"), {"a", "b", "c"}
    assert precision(ranked, relevant, 4) == 2 / 4
    assert recall(ranked, relevant, 4) == 2 / 3
    assert f1(ranked, relevant, 4) == pytest.approx(2 * (1 / 2) * (2 / 3) / (1 / 2 + 2 / 3))
    assert reciprocal_rank(ranked, relevant) == 1 / 2


def test_places_that_are_not_filled_count_as_wrong():
    assert precision(["a"], {"a"}, 10) == 0.1


def test_a_repeated_product_counts_once_and_takes_up_its_places():
    assert ndcg(["a", "a", "b"], {"a": 1, "b": 1}, 3) == ndcg(["a", "x", "b"], {"a": 1, "b": 1}, 3)
    assert precision(["a", "a"], {"a"}, 2) == 0.5


def test_nothing_right_and_nothing_found_measure_zero():
    assert ndcg(["a"], {}, 10) == ndcg([], {"a": 1.0}, 10) == 0
    assert recall(["a"], (), 10) == reciprocal_rank([], {"a"}) == f1([], {"a"}, 10) == 0


def test_right_are_all_that_gain_or_those_that_gain_enough():
    gains = {"a": 1.0, "b": 0.1, "c": 0.0}
    assert relevant_products(gains, 0) == {"a", "b"}
    assert relevant_products(gains, 1.0) == {"a"}


@given(rankings, gains_of, cut_offs)
def test_measures_lie_between_zero_and_one(ranked, gains, k):
    relevant = relevant_products(gains, 0)
    for value in (
        ndcg(ranked, gains, k),
        precision(ranked, relevant, k),
        recall(ranked, relevant, k),
        f1(ranked, relevant, k),
        reciprocal_rank(ranked, relevant),
    ):
        assert 0 <= value <= 1 + 1e-12


@given(gains_of.filter(lambda gains: any(gains.values())), cut_offs)
def test_the_ideal_order_measures_one(gains, k):
    assert ndcg(sorted(gains, key=lambda product: -gains[product]), gains, k) == pytest.approx(1)


@given(rankings, gains_of, cut_offs, st.permutations(PRODUCTS))
def test_names_of_products_do_not_matter(ranked, gains, k, names):
    renamed = dict(zip(PRODUCTS, names, strict=True))
    renamed_gains = {renamed[product]: gain for product, gain in gains.items()}
    score = ndcg([renamed[product] for product in ranked], renamed_gains, k)
    assert score == pytest.approx(ndcg(ranked, gains, k), abs=1e-12)


@given(gains_of, cut_offs, st.permutations(PRODUCTS), st.integers(0, len(PRODUCTS) - 2))
def test_a_better_product_moved_up_never_measures_less(gains, k, ranked, at):
    swapped = list(ranked)
    swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
    if gains.get(ranked[at + 1], 0) >= gains.get(ranked[at], 0):
        assert ndcg(swapped, gains, k) >= ndcg(ranked, gains, k) - 1e-12


@given(rankings, gains_of, cut_offs)
def test_f1_is_the_harmonic_mean(ranked, gains, k):
    relevant = relevant_products(gains, 0)
    p, r = precision(ranked, relevant, k), recall(ranked, relevant, k)
    assert f1(ranked, relevant, k) == pytest.approx(2 * p * r / (p + r) if p + r else 0)
