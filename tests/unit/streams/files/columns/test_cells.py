"""Cells as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.files.columns import cells
from streams.files.conventions.dates import read_time
from streams.files.conventions.prices import read_price


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
        read_price,
        cells.as_count,
        cells.as_bool,
        read_time,
        cells.as_text_list,
    )
    for read in readers:
        try:
            read(cell)
        except (ValueError, OverflowError):
            continue
