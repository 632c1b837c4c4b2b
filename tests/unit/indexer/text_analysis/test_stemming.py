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
    ],
)
def test_only_plural_endings_go(word, expected):
    assert stem(word) == expected
