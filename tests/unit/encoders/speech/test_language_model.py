"""The words of a catalogue as a language model, and how they sound."""

from __future__ import annotations

import math

from encoders.speech.language_model import END_PROBABILITY, arpa_language_model
from encoders.speech.letter_to_sound import LetterToSoundRules
from encoders.speech.port import SpokenVocabulary
from encoders.speech.pronunciation import Pronunciations

SPOKEN = SpokenVocabulary(["red", "blue", "mug"], [4, 2, 2], [(0, 2, 3), (1, 2, 1)], [(0, 2, 2)])
DICTIONARY = {
    "wind": (("W", "IH", "N", "D"), ("W", "AY", "N", "D")),
    "breaker": (("B", "R", "EY", "K", "ER"),),
    "hood": (("HH", "UH", "D"),),
    "mug": (("M", "AH", "G"),),
    "cap": (("K", "AE", "P"),),
    "dish": (("D", "IH", "SH"),),
}


def bigrams(model: str) -> dict[tuple[str, str], float]:
    lines = model.split("\\2-grams:\n")[1].split("\n\n")[0].splitlines()
    return {(first, second): 10 ** float(p) for p, first, second in map(str.split, lines)}


def unigrams(model: str) -> dict[str, tuple[float, float]]:
    lines = model.split("\\1-grams:\n")[1].split("\n\n")[0].splitlines()
    return {w[1]: (10 ** float(w[0]), 10 ** float(w[2]) if len(w) > 2 else 1.0) for w in map(str.split, lines)}


def test_what_may_follow_each_word_sums_to_one() -> None:
    pairs, singles = bigrams(arpa_language_model(SPOKEN)), unigrams(arpa_language_model(SPOKEN))
    for word in SPOKEN.words:
        seen = {second: p for (first, second), p in pairs.items() if first == word}
        back_off = singles[word][1]
        left = sum(p * back_off for other, (p, _) in singles.items() if other not in seen and other != "<s>")
        assert math.isclose(sum(seen.values()) + left, 1, abs_tol=2e-3)


def test_a_query_begins_with_any_word_by_how_many_products_have_it() -> None:
    pairs = bigrams(arpa_language_model(SPOKEN))
    assert math.isclose(pairs["<s>", "red"], 0.5, abs_tol=1e-3) and math.isclose(
        pairs["red", "</s>"], END_PROBABILITY, abs_tol=1e-3
    )


def test_what_products_have_together_follows_in_either_order() -> None:
    pairs = bigrams(arpa_language_model(SPOKEN))
    assert pairs["red", "mug"] > pairs["mug", "red"] > 0
    assert ("blue", "red") not in pairs


def test_stated_counts_are_those_of_the_model() -> None:
    model = arpa_language_model(SPOKEN)
    assert f"ngram 1={len(unigrams(model))}" in model and f"ngram 2={len(bigrams(model))}" in model


def test_words_of_the_dictionary_sound_as_it_says_in_all_ways() -> None:
    assert Pronunciations(DICTIONARY).pronounce("wind") == DICTIONARY["wind"]


def test_inflections_and_compounds_are_put_together() -> None:
    say = Pronunciations(DICTIONARY).pronounce
    assert ("M", "AH", "G", "Z") in say("mugs")
    assert ("K", "AE", "P", "S") in say("caps")
    assert ("D", "IH", "SH", "IH", "Z") in say("dishs")
    assert ("HH", "UH", "D", "IY") in say("hoodie")
    assert ("W", "IH", "N", "D", "B", "R", "EY", "K", "ER") in say("windbreaker")


def test_a_lexicon_numbers_further_ways_and_leaves_out_what_has_no_sound() -> None:
    lines = Pronunciations(DICTIONARY).cmu_lexicon(["wind", "'"]).splitlines()
    assert lines == ["wind W IH N D", "wind(2) W AY N D"]


def test_letters_sound_as_they_do_in_words_alike() -> None:
    words = {f"{a}{b}{c}": (a.upper(), "AE", c.upper()) for a in "bdfgklmnprst" for b in "a" for c in "bdgklmnpt"}
    words |= {f"sh{b}{c}": ("SH", "AE", c.upper()) for b in "a" for c in "bdgklmnpt"}
    letters = LetterToSoundRules(words)
    assert letters.pronounce("shab") == ("SH", "AE", "B")
    assert letters.pronounce("zab")[-2:] == ("AE", "B")
    assert letters.pronounce("") == ()
