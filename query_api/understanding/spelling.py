"""Misspelt words, by the words of the catalogue. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA

from query_api.understanding.price_words import WORDS_AFTER_PRICE, word_set
from query_api.understanding.vocabulary import Vocabulary, correctable_words

MIN_LETTERS = 4
MAX_SHORT_LETTERS = 5
"""Words of so few letters have chance neighbours (`beach`, `peach`), and mistakes in the first letter are rare: in
these it is taken to be right, or swapped with the second."""
TWO_ERRORS_FROM_LETTERS = 8
"""From so many letters on, two mistakes are allowed for."""
_COMMON = WORDS_AFTER_PRICE | word_set(
    """about after again against also around before best between both buy cheap down during each find from gift
    gifts good have into item items less like looking more most near need nice other over some such than that their
    them then there these this those through under until very want what when where which while will with without
    your"""
)
"""Words of questions rather than of products."""


def find_corrections(text: str, vocabulary: Vocabulary) -> dict[str, str]:
    """Words of a text that the vocabulary does not know, with the nearest that it does; both folded.

    The nearest has the fewest mistakes (letters more, less, other or two swapped), none in the first letter if that
    can be, and then the most products.
    Source: Damerau, 1964, "A technique for computer detection and correction of spelling errors"; distances are those
    of optimal string alignment.
    """
    found: dict[str, str] = {}
    for word, _, _ in correctable_words(text):
        if len(word) >= MIN_LETTERS and word not in _COMMON and not vocabulary.has_word(word):
            nearest = _nearest(word, vocabulary)
            if nearest is not None:
                found[word] = nearest
    return found


def apply_corrections(text: str, corrections: Mapping[str, str]) -> str:
    """A text with its misspelt words corrected; they keep their capitals."""
    pieces: list[str] = []
    end = 0
    for word, start, stop in correctable_words(text):
        if word in corrections:
            pieces += [text[end:start], _match_case(text[start:stop], corrections[word])]
            end = stop
    return "".join([*pieces, text[end:]])


def _nearest(word: str, vocabulary: Vocabulary) -> str | None:
    most = 2 if len(word) >= TWO_ERRORS_FROM_LETTERS else 1
    alike = [
        one for one in vocabulary.near_words(word, most) if len(word) > MAX_SHORT_LETTERS or _starts_alike(word, one)
    ]
    near = process.extract(word, alike, scorer=OSA.distance, score_cutoff=most, limit=None)
    ranked = [(distance, one[0] != word[0], -vocabulary.count(one), one) for one, distance, _ in near]
    return min(ranked)[-1] if ranked else None


def _starts_alike(word: str, other: str) -> bool:
    return word[0] == other[0] or word[:2] == other[1::-1]


def _match_case(written: str, word: str) -> str:
    if written.isupper() and len(written) > 1:
        return word.upper()
    return word.capitalize() if written[:1].isupper() else word
