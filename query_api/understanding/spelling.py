"""Misspelt words, corrected by the words of the catalogue. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from rapidfuzz import process
from rapidfuzz.distance import OSA

from query_api.understanding.price_words import WORDS_AFTER_PRICE, word_set
from query_api.understanding.vocabulary import Vocabulary, correctable_words

MIN_LETTERS = 4
"""Shorter words are not corrected."""
MAX_SHORT_LETTERS = 5
"""Up to so many letters a word has chance neighbours (`beach`, `peach`). As mistakes in the first letter are rare, a
correction of such a word has the same first letter, or the first two swapped."""
MAX_LOOKED_UP = 16
"""How many unknown words of a request are compared with the vocabulary; further ones are searched for as they are."""
TWO_ERRORS_FROM_LETTERS = 8
"""From so many letters on, a correction may differ by two edits; below, by one."""
_COMMON = WORDS_AFTER_PRICE | word_set(
    """about after again against also around before best between both buy cheap down during each find from gift
    gifts good have into item items less like looking more most near need nice other over some such than that their
    them then there these this those through under until very want what when where which while will with without
    your"""
)
"""Words that queries have and products need not: never corrected."""


def find_corrections(texts: Iterable[str], vocabulary: Vocabulary) -> dict[str, str]:
    """Words of texts that the vocabulary does not have, each with the nearest that it has; both folded.

    The first `MAX_LOOKED_UP` unknown words are looked up: a comparison with the whole vocabulary takes a millisecond.

    The nearest word has the fewest edits (a letter more, less or other, or two neighbours swapped); of those, one with
    the same first letter; of those, the one that the most products have. Words without a near one are left out.

    Source: Damerau, 1964, "A technique for computer detection and correction of spelling errors"; distances are those
    of optimal string alignment.
    """
    nearest = ((word, _nearest_word(word, vocabulary)) for word in unknown_words(texts, vocabulary))
    return {word: near for word, near in nearest if near is not None}


def unknown_words(texts: Iterable[str], vocabulary: Vocabulary) -> list[str]:
    """The first `MAX_LOOKED_UP` words of texts that may be misspelt, folded: the vocabulary does not have them."""
    words = dict.fromkeys(word for text in texts for word, _, _ in correctable_words(text))
    unknown = (
        word for word in words if len(word) >= MIN_LETTERS and word not in _COMMON and not vocabulary.has_word(word)
    )
    return list(islice(unknown, MAX_LOOKED_UP))


def apply_corrections(text: str, corrections: Mapping[str, str]) -> str:
    """A text with its misspelt words corrected; they keep their capitals."""
    pieces: list[str] = []
    end = 0
    for word, start, stop in correctable_words(text):
        if word in corrections:
            pieces += [text[end:start], _match_case(text[start:stop], corrections[word])]
            end = stop
    return "".join([*pieces, text[end:]])


def _nearest_word(word: str, vocabulary: Vocabulary) -> str | None:
    max_edits = 2 if len(word) >= TWO_ERRORS_FROM_LETTERS else 1
    candidates = [
        candidate
        for candidate in vocabulary.near_words(word, max_edits)
        if len(word) > MAX_SHORT_LETTERS or _starts_alike(word, candidate)
    ]
    near = process.extract(word, candidates, scorer=OSA.distance, score_cutoff=max_edits, limit=None)
    ranked = [
        (distance, candidate[0] != word[0], -vocabulary.count(candidate), candidate) for candidate, distance, _ in near
    ]
    return min(ranked)[-1] if ranked else None


def _starts_alike(word: str, candidate: str) -> bool:
    """Whether the first letter is the same, or the first two are swapped."""
    return word[0] == candidate[0] or word[:2] == candidate[1::-1]


def _match_case(written: str, word: str) -> str:
    """A word with capitals as those of what was written: all, the first, or none."""
    if written.isupper() and len(written) > 1:
        return word.upper()
    return word.capitalize() if written[:1].isupper() else word
