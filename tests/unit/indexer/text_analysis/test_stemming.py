"""English words lose their plural ending, and nothing else."""

import pytest

from indexer.text_analysis.stemming import stem


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("hoodies", "hoody"),
        ("dresses", "dress"),
        ("watches", "watch"),
        ("boxes", "box"),
        ("shoes", "shoe"),
        ("leggings", "legging"),
        ("glass", "glass"),
        ("basis", "basis"),
        ("gas", "gas"),
        ("knives", "knife"),
        ("knife", "knife"),
        ("women", "woman"),
        ("scarves", "scarf"),
        ("children", "child"),
        ("shelves", "shelf"),
        ("cookie", "cooky"),
        ("cookies", "cooky"),
        ("lens", "lens"),
        ("lenses", "lens"),
        ("tomatoes", "tomato"),
        ("horseshoes", "horseshoe"),
    ],
)
def test_only_plural_endings_go_and_irregular_plurals_are_known(word, expected):
    assert stem(word) == expected
