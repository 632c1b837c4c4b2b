"""Facets as counted over any candidates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from indexer.hit_payload import HitPayload
from query_api.contract.responses import Facet
from query_api.search.facets.facets import MAX_VALUES, FacetTally
from tests.unit.query_api.cards.test_card import card_columns


def count_facets(fields: list[str], payloads: list[HitPayload]) -> dict[str, Facet]:
    tally = FacetTally(fields)
    tally.add(card_columns(payloads))
    return tally.facets()


def prices(*numbers: float | None) -> list[tuple[object, object, int]]:
    found = count_facets(["price"], [HitPayload(price=number) for number in numbers])["price"]
    return [(value.gte, value.lt, value.count) for value in found]


def test_ranges_have_round_bounds_and_follow_the_crowd() -> None:
    assert prices(*[19.99, 29.99, 39.99, 49.99, 59.99] * 5, 1_999.0, None) == [
        (10, 30, 10),
        (30, 40, 5),
        (40, 50, 5),
        (50, 60, 5),
        (60, 2000, 1),
    ]
    assert prices(7.0, 7.0) == [(7, 7.5, 2)] and prices(None) == []


@given(st.lists(st.floats(0, 1e12) | st.just(0.1), min_size=1, max_size=40))
def test_each_number_is_in_exactly_one_range(numbers: list[float]) -> None:
    ranges = prices(*numbers)
    for number in numbers:
        assert sum(low <= number < high for low, high, _ in ranges) == 1  # type: ignore[operator]
    for low, high, count in ranges:
        assert count == sum(low <= number < high for number in numbers)  # type: ignore[operator]


def test_values_are_the_most_frequent_and_a_product_counts_once_for_each() -> None:
    cards = [HitPayload(tags=["new", "new", f"tag{at}"], category=" A / B /") for at in range(MAX_VALUES + 5)]
    facets = count_facets(["tags", "category"], cards)
    assert len(facets["tags"]) == MAX_VALUES and facets["tags"][0].value == "new"
    assert facets["tags"][0].count == len(cards) and facets["tags"][0].gte is UNSET
    assert [value.value for value in facets["category"]] == ["A", "A/B"]
