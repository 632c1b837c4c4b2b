"""Cells as people write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.files import cells


@pytest.mark.parametrize(
    ("cell", "price"),
    [
        ("$49.00", (49.0, "USD")),
        ("1,299.00", (1299.0, None)),
        ("1.299,00 €", (1299.0, "EUR")),
        ("1 299,50 EUR", (1299.5, "EUR")),
        ("CHF 1'200.50", (1200.5, "CHF")),
        ("$1,299", (1299.0, "USD")),
        ("$49.00 CAD", (49.0, "CAD")),
        ("12,5", (12.5, None)),
        ("1.234.567", (1234567.0, None)),
        ("¥1200", (1200.0, None)),
        (49, (49.0, None)),
    ],
)
def test_a_price_is_read_as_it_is_written(cell, price):
    assert cells.as_price(cell) == price


@pytest.mark.parametrize("cell", ["free", "10 - 20", "49 or so", True, [1], "$", "call 555"])
def test_what_is_no_price_is_refused(cell):
    with pytest.raises(ValueError, match="no"):
        cells.as_price(cell)


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_grouped_prices_of_either_convention_are_the_same_number(price):
    english = f"{price:,.2f}"
    continental = english.translate(str.maketrans(",.", ".,"))
    assert cells.as_price(english)[0] == cells.as_price(continental)[0] == float(price)


def test_commas_inside_urls_do_not_part_them():
    urls = ["https://m.example/I/5._BO1,204,203,200_.jpg", "https://m.example/2.jpg"]
    assert cells.as_media_list(", ".join(urls)) == urls
    assert cells.as_media_list("a.jpg, b/c.jpg") == ["a.jpg", "b/c.jpg"]
    assert cells.as_media_list("['a, b.jpg', 'c.jpg']") == ["a, b.jpg", "c.jpg"]
    assert cells.as_media_list('["a.jpg", null]') == ["a.jpg"]


def test_words_for_yes_and_no_are_read():
    assert [
        cells.as_bool(cell) for cell in (True, "Yes", "In Stock", "in_stock", 3, "12", "https://schema.org/InStock")
    ]
    assert not any(cells.as_bool(cell) for cell in (False, "no", "Out of stock", 0, "0", "sold-out".replace("-", " ")))
    with pytest.raises(ValueError, match="'perhaps'"):
        cells.as_bool("perhaps")


@pytest.mark.parametrize(
    "cell", ["2026-11-20T10:00:00Z", "2026-11-20 10:00", 1795168800, "1795168800000", 1795168800.0]
)
def test_times_are_utc_unless_they_say_otherwise(cell):
    assert cells.as_time(cell) == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_counts_and_ratings_are_found_in_their_sentences():
    assert cells.as_count("1,204 ratings") == 1204
    assert cells.as_count(14410.0) == 14410
    assert cells.as_number("4.5 out of 5 stars") == 4.5
    with pytest.raises(ValueError, match="whole"):
        cells.as_count(1.5)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(ANYTHING)
def test_any_cell_is_read_or_refused_by_a_value_error(cell):
    readers = (
        cells.as_text,
        cells.as_number,
        cells.as_price,
        cells.as_count,
        cells.as_bool,
        cells.as_time,
        cells.as_text_list,
    )
    for read in readers:
        try:
            read(cell)
        except (ValueError, OverflowError):
            continue
