"""How texts are normalised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.contract.text import normalise_text

TEXTS = st.text() | st.text(alphabet="ab -−–\"“”',，、1$.\u200b 花")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  red \n dress ", "red dress"),
        ("ｒｅｄ　ｄｒｅｓｓ　５０", "red dress 50"),
        ("hood\u200bie \ufeffred\u00ad", "hoodie red"),
        ("women’s “red” dress", 'women\'s "red" dress'),
        ("cafe\u0301 a\u0085b", "caf\u00e9 a b"),
        ("红色　连衣裙，Ｓ码", "红色 连衣裙，S码"),
        ("Größe 4½ m² ™", "Größe 4½ m² ™"),
        (" \u200b\n ", ""),
    ],
)
def test_texts_have_one_writing(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@given(TEXTS)
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once
