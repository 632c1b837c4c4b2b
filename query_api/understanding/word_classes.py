"""Words of the catalogue that are forms of one another in other languages than English. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from query_api.understanding.languages import COMPOUNDING, stem_in

MAX_FORMS = 8
"""How many other forms of a word, and how many compounds of it, are looked for."""
MIN_HEAD = 4
"""Shorter words end others by chance."""


class WordClasses:
    """The words of products in languages with stems of their own, by language.

    A class is made of words that the catalogue has, so that a stemmer's mistakes are in words that stand there alone.

    Source: Xu and Croft, 1998, "Corpus-based stemming using cooccurrence of word variants" (classes of a collection's
    words expand queries).
    """

    def __init__(self) -> None:
        self._by_stem: dict[str, dict[str, list[str]]] = {}
        self._by_ending: dict[str, list[tuple[str, str]]] = {}
        """Sorted (stem from its end to its beginning, word), of languages with compounds."""
        self._known: set[tuple[str, str]] = set()

    def add(self, word: str, language: str) -> None:
        """Add a folded word of a product in a language."""
        if (language, word) in self._known:
            return
        self._known.add((language, word))
        stem = stem_in(language, word)
        self._by_stem.setdefault(language, {}).setdefault(stem, []).append(word)
        if language in COMPOUNDING and len(word) > MIN_HEAD:
            insort(self._by_ending.setdefault(language, []), (stem[::-1], word))

    def keep(self, words: set[str]) -> None:
        """Forget all other words."""
        kept = [(word, language) for language, word in self._known if word in words]
        self._by_stem, self._by_ending, self._known = {}, {}, set()
        for word, language in kept:
            self.add(word, language)

    def __bool__(self) -> bool:
        return bool(self._known)

    def forms(self, word: str) -> list[str]:
        """Other forms of a folded word, then compounds that it is the head of, each at most `MAX_FORMS`."""
        forms: dict[str, None] = {}
        compounds: dict[str, None] = {}
        for language, by_stem in self._by_stem.items():
            stem = stem_in(language, word)
            forms |= dict.fromkeys(by_stem.get(stem, ())[:MAX_FORMS])
            if len(word) >= MIN_HEAD:
                compounds |= dict.fromkeys(self._compounds(language, stem))
        forms.pop(word, None)
        return [*list(forms)[:MAX_FORMS], *[one for one in compounds if one not in forms][:MAX_FORMS]]

    def _compounds(self, language: str, stem: str) -> Iterator[str]:
        """The first `MAX_FORMS` words that end in a stem and are longer."""
        words, ending = self._by_ending.get(language, []), stem[::-1]
        start = bisect_left(words, (ending,))
        for reversed_stem, word in words[start : start + 2 * MAX_FORMS]:
            if reversed_stem.startswith(ending) and reversed_stem != ending:
                yield word
