"""What was heard as words of a catalogue."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.speech.catalogue_words import CatalogueWords
from encoders.speech.language_model import BigramModel
from encoders.speech.port import SpokenVocabulary

WORDS = ["blue", "whistling", "kettle", "tidewell", "plain", "top", "toe"]
CATALOGUE = CatalogueWords(SpokenVocabulary(WORDS, [9, 3, 5, 2, 9, 4, 1], [(0, 1, 2), (1, 2, 3)], [(0, 2, 2)]))


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("blue whistling kettle", "blue whistling kettle"),
        ("blue whistlin cattle", "blue whistling kettle"),
        ("tide well kettle", "tidewell kettle"),
        ("uh plain top", "plain top"),
    ],
)
def test_what_was_heard_becomes_the_words_that_are_spelt_alike(heard: str, meant: str) -> None:
    assert CATALOGUE.nearest_texts({heard: -1.0}, 3)[0] == meant


def test_of_two_texts_the_one_that_was_heard_better_leads() -> None:
    heard = {"plain top": -1.0, "plain toe": -9.0}
    assert CATALOGUE.nearest_texts(heard, 2)[0] == "plain top"


def test_nothing_like_the_catalogue_is_no_text() -> None:
    assert CATALOGUE.nearest_texts({"xylophones": -1.0}, 3) == []
    assert CATALOGUE.nearest_texts({}, 3) == []


@given(st.lists(st.text("abelptw", max_size=16), max_size=6))
def test_texts_are_of_catalogue_words_alone(heard: list[str]) -> None:
    for text in CATALOGUE.nearest_texts({" ".join(heard): -1.0}, 5):
        assert set(text.split()) <= set(WORDS)


def test_probabilities_of_next_words_sum_to_one() -> None:
    language = BigramModel(SpokenVocabulary(WORDS, [1] * 7, [(0, 1, 2), (0, 2, 1)], [(0, 3, 2)]))
    assert sum(math.exp(language.log_probability("blue", word)) for word in WORDS) == pytest.approx(1)
    assert sum(math.exp(language.log_probability(None, word)) for word in WORDS) == pytest.approx(1)
