"""The words that the catalogue itself uses, and how many products each is in. Pure."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, cast

import numpy as np

from indexer.text_analysis.analyzer import query_terms
from indexer.text_analysis.folding import fold
from query_api.understanding.word_classes import WordClasses

MAX_WORDS = 100_000
"""More are cut to half, the rarest first; so many take some 30 MB."""
MIN_LETTERS = 3
"""Shorter words are neither corrected nor a correction."""
MAX_LETTERS = 40
_FIELDS = ("title", "brand", "category")
_HAN_KANA = "\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"(?:(?![{_HAN_KANA}])[^\W_])+")
_DIGIT = re.compile(r"\d")
_BIT_COUNTS = np.array([number.bit_count() for number in range(1 << 16)], np.uint8)
"""(65536,): of each 16-bit number."""


class _WordsOfLength:
    """Words of one length, each with the set of its letters as 32 bits."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._letter_sets = array("I")

    def add(self, word: str) -> None:
        self._words.append(word)
        self._letter_sets.append(_letter_set(word))

    def near_words(self, word: str, max_edits: int) -> list[str]:
        """All words within `max_edits` of a word, and others whose letters are as near."""
        differing = np.frombuffer(self._letter_sets, np.uint32) ^ np.uint32(_letter_set(word))
        # One edit takes at most one letter out of the set and puts one in.
        differences = _BIT_COUNTS[differing & 0xFFFF] + _BIT_COUNTS[differing >> 16]
        return [self._words[at] for at in np.flatnonzero(differences <= 2 * max_edits)]


def _letter_set(word: str) -> int:
    """The letters of a word as bits, by the last five bits of each letter's code."""
    letters = 0
    for letter in word:
        letters |= 1 << (ord(letter) & 31)
    return letters


class Vocabulary:
    """Words as they are written, without case and accents, with the number of products that have them."""

    def __init__(self, max_words: int = MAX_WORDS) -> None:
        self._max_words = max_words
        self._counts: dict[str, int] = {}
        self._stems: set[str] = set()
        self._by_length: dict[int, _WordsOfLength] = {}
        self.classes = WordClasses()
        """Of words in languages with stems of their own."""
        self.trims = 0
        """How often words were forgotten, as they were too many."""

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, word: str) -> int:
        """How many products have a word, written like this."""
        return self._counts.get(word, 0)

    def has_word(self, word: str) -> bool:
        """Whether a product has a word, in the singular or the plural."""
        return word in self._counts or query_terms(word) in self._stems

    def has_any_term(self, terms: Iterable[str]) -> bool:
        """Whether a product has a word with one of these terms, as `query_terms` gives each."""
        return not self._stems.isdisjoint(terms)

    def words_ending_in(self, endings: tuple[str, ...], limit: int) -> list[str]:
        """Words that end in one of these, which are longer: `striped` → `pinstriped`; the first `limit` of them."""
        return list(islice((word for word in self._counts if word.endswith(endings) and word not in endings), limit))

    def near_words(self, word: str, max_edits: int) -> list[str]:
        """All words within `max_edits` edits of a word, and some that are further: the caller measures distances."""
        lengths = range(len(word) - max_edits, len(word) + max_edits + 1)
        return [
            near_word
            for length in lengths
            if length in self._by_length
            for near_word in self._by_length[length].near_words(word, max_edits)
        ]

    def add(self, words: Iterable[str], language: str | None = None) -> None:
        """Count one more product for each of these distinct words.

        Args:
            words: folded.
            language: the product's, where its words have stems of their own, see `stemmed_language`.
        """
        for word in words:
            self._set_count(word, self._counts.get(word, 0) + 1)
            if language is not None:
                self.classes.add(word, language)
        self._trim()

    def add_new(self, words: Iterable[str], language: str | None = None) -> None:
        """Add the words that are not known, with a count of 1; others stay, as the product may have been counted."""
        for word in words:
            if word not in self._counts:
                self._set_count(word, 1)
            if language is not None:
                self.classes.add(word, language)
        self._trim()

    def _set_count(self, word: str, count: int) -> None:
        if word not in self._counts:
            self._by_length.setdefault(len(word), _WordsOfLength()).add(word)
            self._stems.add(query_terms(word))
        self._counts[word] = count

    def _trim(self) -> None:
        if len(self._counts) <= self._max_words:
            return
        kept = sorted(self._counts.items(), key=lambda pair: -pair[1])[: self._max_words // 2]
        self._counts, self._stems, self._by_length = {}, set(), {}
        self.trims += 1
        for word, count in kept:
            self._set_count(word, count)
        self.classes.keep(set(self._counts))


def vocabulary_texts(fields: Mapping[str, Any]) -> Iterator[str]:
    """The texts of a product whose words the catalogue's vocabulary has: title, brand, category, attribute values.

    Args:
        fields: the product's fields that are not null, as JSON values.
    """
    for name in _FIELDS:
        yield fields.get(name) or ""
    attributes = cast("Mapping[str, str | list[str]]", fields.get("attributes") or {})
    for value in attributes.values():
        yield from (value,) if isinstance(value, str) else value


def product_words(fields: Mapping[str, Any]) -> set[str]:
    """The words of a product's title, brand, category and attribute values, folded; none that has a digit.

    Args:
        fields: the product's fields that are not null, as JSON values.
    """
    return {word for text in vocabulary_texts(fields) for word, _, _ in correctable_words(text)}


def correctable_words(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of a text that may be misspelt, folded, each with where it starts and ends in the text."""
    for match in _WORD.finditer(text):
        word = fold(match[0])
        if MIN_LETTERS <= len(word) <= MAX_LETTERS and not _DIGIT.search(word):
            yield word, match.start(), match.end()
