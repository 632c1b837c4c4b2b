"""The merchant's synonyms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.errors import InvalidSynonyms
from query_api.understanding.synonyms import append_synonyms, parse_synonyms

FILE = """
# shoes
sneaker, trainer, running shoe
couch, settee => sofa
tee => t-shirt
裙子 => 连衣裙, dress
red\\, white => rosewhite
running => jogging
"""
SYNONYMS = parse_synonyms(FILE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sneaker", {"sneaker": ["trainer", "running shoe"]}),
        ("Red SNEAKERS", {"sneaker": ["trainer", "running shoe"]}),
        ("running shoes", {"running shoe": ["sneaker", "trainer"]}),
        ("running shirt", {"running": ["jogging"]}),
        ("settee", {"settee": ["sofa"]}),
        ("couch sofa", {}),
        ("sofa", {}),
        ("Tee", {"tee": ["t-shirt"]}),
        ("t-shirt", {}),
        ("新款裙子 blue", {"裙子": ["连衣裙", "dress"]}),
        ("red, white", {"red, white": ["rosewhite"]}),
        ("sneakerhead", {}),
        ("", {}),
    ],
)
def test_entries_are_found_word_by_word(text: str, expected: dict[str, list[str]]) -> None:
    assert SYNONYMS.expand(text) == expected


def test_lines_about_the_same_entry_add_up() -> None:
    assert parse_synonyms("a, b\na => c\nb, a").expand("a") == {"a": ["b", "c"]}


def test_lexical_search_looks_for_the_text_and_its_synonyms() -> None:
    assert append_synonyms("red tee", {"tee": ["t-shirt"]}) == "red tee t-shirt"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# fine\na", "line 2: one entry alone"),
        ("a, , b", "line 1: an entry is empty"),
        ("a =>", "line 1: an entry is empty"),
        ("a => b => c", "line 1: more than one =>"),
        ("a, !!", "line 1: '!!' has no word"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, reason: str) -> None:
    with pytest.raises(InvalidSynonyms, match=reason):
        parse_synonyms(text)


@given(st.text(alphabet="ab ,=>\\#裙\n") | st.text())
def test_any_file_is_read_or_refused_and_any_text_expanded(text: str) -> None:
    try:
        synonyms = parse_synonyms(text)
    except InvalidSynonyms:
        return
    synonyms.expand(text)
