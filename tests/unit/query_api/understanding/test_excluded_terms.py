"""What in a query's text is to be left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.contract.text import normalise_text
from query_api.understanding.excluded_terms import QueryText, split_excluded_terms

TEXTS = st.text() | st.text(alphabet="ab -−–\"“”',，、1$.\u200b 花")


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("dress -floral", "dress", ["floral"]),
        ("dress −floral", "dress", ["floral"]),
        ("dress –floral", "dress", ["floral"]),
        ("dress －floral", "dress", ["floral"]),
        ('dress -"red floral" long', "dress long", ["red floral"]),
        ("dress -“red floral”", "dress", ["red floral"]),
        ("-floral dress -striped", "dress", ["floral", "striped"]),
        ("dress, -floral, -striped.", "dress", ["floral", "striped"]),
        ("dress,-floral,-striped", "dress", ["floral", "striped"]),
        ("top -v-neck", "top", ["v-neck"]),
        ("连衣裙 -碎花 －红色", "连衣裙", ["碎花", "红色"]),
        ("red dress 红裙 -碎花", "red dress 红裙", ["碎花"]),
        ("-floral", "", ["floral"]),
        ('-"a"-b c', "c", ["a", "b"]),
        ("dress -floral -floral", "dress", ["floral"]),
        ('shoes -"2024"', "shoes", ["2024"]),
    ],
)
def test_terms_after_a_dash_are_unwanted(text: str, wanted: str, unwanted: list[str]) -> None:
    assert split_excluded_terms(normalise_text(text)) == QueryText(wanted, tuple(unwanted))


@pytest.mark.parametrize(
    "text",
    [
        "t-shirt",
        "red - blue",
        "red -",
        "-",
        "--",
        "- x",
        "sleeping bag -20",
        'dress -"',
        'dress -""',
        '-"!"',
        "a--b",
        "20-50 dollars",
        "连衣裙-碎花",
        "x_-y",
        "--floral",
        'dress -"red floral',
    ],
)
def test_other_dashes_mean_nothing(text: str) -> None:
    assert split_excluded_terms(text) == QueryText(text)


@given(TEXTS)
def test_what_is_wanted_has_nothing_unwanted_left(text: str) -> None:
    found = split_excluded_terms(normalise_text(text))
    assert split_excluded_terms(found.text) == QueryText(found.text)
    assert all(any(map(str.isalnum, term)) for term in found.excluded_terms)


@given(st.text().filter(lambda text: not any(dash in text for dash in "-‐‑‒–−﹣－")))
def test_a_text_without_dashes_is_unchanged(text: str) -> None:
    normal = normalise_text(text)
    assert split_excluded_terms(normal) == QueryText(normal)
