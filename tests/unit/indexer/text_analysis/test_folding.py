"""Spellings of one word become one."""

import pytest

from indexer.text_analysis.folding import fold, without_possessives


@pytest.mark.parametrize(
    ("text", "folded"), [("Ｃａｆé", "cafe"), ("STRASSE", "strasse"), ("straße", "strasse"), ("so\u00adfa", "sofa")]
)
def test_case_width_accents_and_invisible_characters_go(text, folded):
    assert fold(text) == folded


def test_possessives_go_with_their_apostrophes():
    assert without_possessives("women's shoes, boys’ caps") == "women shoes, boys caps"
