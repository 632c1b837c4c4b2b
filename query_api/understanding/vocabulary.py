"""The words that the catalogue itself uses, and how many products each is in."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from indexer.text_analysis.analyzer import query_terms
from indexer.text_analysis.folding import fold

MAX_WORDS = 100_000
"""More are cut to half, the rarest first: some 30 MB."""
MIN_LETTERS = 3
"""Shorter words are not kept: they are neither corrected nor a correction."""
MAX_LETTERS = 40
_FIELDS = ("title", "brand", "category")
_HAN_KANA = "\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"(?:(?![{_HAN_KANA}])[^\W_])+")
_NO_LETTERS = re.compile(r"\d")
_BITS = np.array([number.bit_count() for number in range(1 << 16)], np.uint8)


class _WordsOfLength:
    """Words of one length, with the letters that each has as a set of 32 bits."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._letters = array("I")

    def add(self, word: str) -> None:
        self._words.append(word)
        self._letters.append(_letter_set(word))

    def near_words(self, word: str, most: int) -> list[str]:
        # An edit takes at most one letter out of the set and puts one in.
        differing = np.frombuffer(self._letters, np.uint32) ^ np.uint32(_letter_set(word))
        edits = _BITS[differing & 0xFFFF] + _BITS[differing >> 16]
        return [self._words[at] for at in np.flatnonzero(edits <= 2 * most)]


def _letter_set(word: str) -> int:
    letters = 0
    for letter in word:
        letters |= 1 << (ord(letter) & 31)
    return letters


class Vocabulary:
    """Words as they are written, without case and accents, with the number of products that have them."""

    def __init__(self, most_words: int = MAX_WORDS) -> None:
        self._most_words = most_words
        self._counts: dict[str, int] = {}
        self._stems: set[str] = set()
        self._by_length: dict[int, _WordsOfLength] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, word: str) -> int:
        """How many products have a word, written like this."""
        return self._counts.get(word, 0)

    def has_word(self, word: str) -> bool:
        """Whether a product has a word, in the singular or the plural."""
        return word in self._counts or query_terms(word) in self._stems

    def near_words(self, word: str, most: int) -> list[str]:
        """All words within `most` edits of a word, and some others."""
        lengths = range(len(word) - most, len(word) + most + 1)
        return [
            one
            for length in lengths
            if length in self._by_length
            for one in self._by_length[length].near_words(word, most)
        ]

    def add(self, words: Iterable[str]) -> None:
        """Count one more product for each of these distinct words."""
        for word in words:
            self._set(word, self._counts.get(word, 0) + 1)
        self._trim()

    def add_new(self, words: Iterable[str]) -> None:
        """Know these words: the product may have been counted before, so just those that are new are counted."""
        for word in words:
            if word not in self._counts:
                self._set(word, 1)
        self._trim()

    def _set(self, word: str, count: int) -> None:
        if word not in self._counts:
            self._by_length.setdefault(len(word), _WordsOfLength()).add(word)
            self._stems.add(query_terms(word))
        self._counts[word] = count

    def _trim(self) -> None:
        if len(self._counts) <= self._most_words:
            return
        kept = sorted(self._counts.items(), key=lambda pair: -pair[1])[: self._most_words // 2]
        self._counts, self._stems, self._by_length = {}, set(), {}
        for word, count in kept:
            self._set(word, count)


def product_words(fields: Mapping[str, Any]) -> set[str]:
    """The words of a product's title, brand, category and attribute values; none that has a digit.

    Args:
        fields: the product's fields that are not null, as JSON values.
    """
    texts = [fields.get(name) or "" for name in _FIELDS]
    for value in (fields.get("attributes") or {}).values():
        texts += [value] if isinstance(value, str) else value
    return {word for text in texts for word, _, _ in correctable_words(text)}


def correctable_words(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of a text that may be misspelt, folded, each with where it starts and ends there."""
    for found in _WORD.finditer(text):
        word = fold(found[0])
        if MIN_LETTERS <= len(word) <= MAX_LETTERS and not _NO_LETTERS.search(word):
            yield word, found.start(), found.end()
