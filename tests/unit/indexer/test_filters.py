"""What products are filtered by, and what requests may ask for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.criteria import AnyOf, Range
from indexer.errors import InvalidFilter, InvalidRecord
from indexer.filter_parsing import MAX_FILTERS, MAX_VALUES, parse_filters
from indexer.filters import MAX_TERMS, TERM_MAX_BYTES, created_at_ms, filter_numbers, filter_terms, matches
from indexer.records import IndexRow, ProductState, StoredProduct


def row(**fields: object) -> IndexRow:
    stored = StoredProduct(ProductState())
    vector = np.zeros(2, np.float32)
    return IndexRow("p", stored, vector, True, filter_terms=filter_terms(fields), numbers=filter_numbers(fields))


def test_a_category_has_a_term_for_each_path_above_it():
    assert filter_terms({"category": "Men / Tops/Hoodies/"}) == (
        "category=men",
        "category=men/tops",
        "category=men/tops/hoodies",
    )


def test_terms_are_normalised_and_distinct():
    fields = {"brand": " LUMA  Sport", "tags": ["Eco", "eco"], "in_stock": False, "attributes": {"Size": ["S", "Ｓ"]}}
    assert filter_terms(fields) == ("brand=luma sport", "tags=eco", "in_stock=false", "attributes.size=s")


def test_an_attribute_cannot_pass_for_another_by_an_equals_sign():
    assert not matches(row(attributes={"a": "b=c"}), (AnyOf("attributes.a=b", ("c",)),))


def test_too_many_values_are_refused():
    with pytest.raises(InvalidRecord, match=str(MAX_TERMS)):
        filter_terms({"attributes": {"size": [str(number) for number in range(MAX_TERMS + 1)]}})


def test_times_without_a_zone_are_utc_and_old_ones_stay_above_the_mark_of_absence():
    assert created_at_ms("1970-01-01T00:00:01") == created_at_ms("1970-01-01T01:00:01+01:00") == 1_000
    assert filter_numbers({"created_at": "1900-01-01T00:00:00Z", "price": 0}) == {"price": 0.0, "created_at": 0.0}


def test_a_request_becomes_filters():
    raw = {"price": {"lt": 50}, "brand": ["a", "b"], "in_stock": True, "attributes.colour": "red", "rating": 4}
    assert parse_filters(raw) == (
        Range("price", lt=50.0),
        AnyOf("brand", ("a", "b")),
        AnyOf("in_stock", ("True",)),
        AnyOf("attributes.colour", ("red",)),
        Range("rating", gte=4.0, lte=4.0),
    )
    assert matches(
        row(brand="B", in_stock=True, price=49.9, rating=4.0, attributes={"colour": "Red"}), parse_filters(raw)
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"colour": "red"}, r"filters.colour: no such field; there are brand, .*price, .*attributes.NAME"),
        ({"attributes.": "red"}, "no such field"),
        ({"price": "cheap"}, "filters.price: it takes a number"),
        ({"price": True}, "filters.price: it takes a number"),
        ({"price": {"below": 5}}, r"filters.price: it takes a number or gt, gte, lt, lte, not \['below'\]"),
        ({"price": {}}, "filters.price"),
        ({"price": {"lt": None}}, "filters.price.lt"),
        ({"price": {"lt": float("nan")}}, "filters.price.lt"),
        ({"price": {"lt": 10**400}}, "filters.price.lt"),
        ({"price": [1, 2]}, "filters.price"),
        ({"brand": []}, "filters.brand: 0 values"),
        ({"brand": ["x"] * (MAX_VALUES + 1)}, "filters.brand: 101 values"),
        ({"brand": None}, "filters.brand: it takes a text"),
        ({"brand": {"eq": "x"}}, "filters.brand: it takes a text"),
        ({"brand": "x" * 2_000}, "filters.brand: a value is over"),
        ({"in_stock": "yes"}, "filters.in_stock: it takes true or false"),
        ({"created_at": {"gt": "yesterday"}}, "filters.created_at.gt: 'yesterday' is no ISO 8601 time"),
        ({f"attributes.{number}": "x" for number in range(MAX_FILTERS + 1)}, "33 fields"),
    ],
)
def test_a_bad_filter_is_refused_by_name(raw, message):
    with pytest.raises(InvalidFilter, match=message):
        parse_filters(raw)


@given(st.text(max_size=40), st.text(max_size=700))
def test_a_product_matches_its_own_values_whatever_they_are(name, value):
    product = row(brand=value, attributes={name: value})
    assert matches(product, (AnyOf("brand", (value,)), AnyOf(f"attributes.{name}", ("other", value))))


@given(st.text(max_size=40), st.text(max_size=700))
def test_terms_need_no_escaping_and_fit(name, value):
    for term in filter_terms({"attributes": {name: value}, "category": value}):
        assert not set(term) & set("\"'\\\n\r\x00")
        assert len(term.encode()) <= TERM_MAX_BYTES


@given(st.text(min_size=600, max_size=700), st.text(min_size=1, max_size=5))
def test_long_values_that_differ_at_the_end_stay_apart(value, end):
    first, second = row(brand=value), row(brand=value + "x" + end)
    assert first.filter_terms != second.filter_terms
