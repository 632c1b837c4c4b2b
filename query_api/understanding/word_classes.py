"""Words of the catalogue that are forms of one another in other languages than English. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import takewhile

from query_api.understanding.languages import COMPOUNDING, stem_in

MAX_FORMS = 8
"""How many other forms of a word, and how many compounds of it, are looked for."""
MIN_PART = 4
"""Shorter words begin and end others by chance."""
_LINKS = ("", "s", "n", "e", "en", "es")
"""What may stand between the parts of a compound: `Sonne`, `n`, `Brille`."""
_BEGUN_LOOKED_AT = 64


class WordClasses:
    """The words of products in languages with stems of their own, by language.

    A class is made of words that the catalogue has, so that a stemmer's mistakes are in words that stand there alone.

    Source: Xu and Croft, 1998, "Corpus-based stemming using cooccurrence of word variants" (classes of a collection's
    words expand queries); Koehn and Knight, 2003, "Empirical methods for compound splitting" (compounds are made of
    words that a collection has).
    """

    def __init__(self) -> None:
        self._by_stem: dict[str, dict[str, list[str]]] = {}
        self._by_ending: dict[str, list[tuple[str, str]]] = {}
        """Sorted (stem from its end to its beginning, word), of languages with compounds."""
        self._sorted: dict[str, list[str]] = {}
        """Their words."""
        self._known: set[tuple[str, str]] = set()

    def add(self, word: str, language: str) -> None:
        """Add a folded word of a product in a language."""
        if (language, word) in self._known:
            return
        self._known.add((language, word))
        stem = stem_in(language, word)
        self._by_stem.setdefault(language, {}).setdefault(stem, []).append(word)
        if language in COMPOUNDING and len(word) > MIN_PART:
            insort(self._by_ending.setdefault(language, []), (stem[::-1], word))
            insort(self._sorted.setdefault(language, []), word)

    def keep(self, words: set[str]) -> None:
        """Forget all other words."""
        kept = [(word, language) for language, word in self._known if word in words]
        self._by_stem, self._by_ending, self._sorted, self._known = {}, {}, {}, set()
        for word, language in kept:
            self.add(word, language)

    def __bool__(self) -> bool:
        return bool(self._known)

    def forms(self, word: str) -> list[str]:
        """Other forms of a folded word, then compounds that it ends or else begins, each at most `MAX_FORMS`."""
        forms: dict[str, None] = {}
        ended: dict[str, None] = {}
        begun: dict[str, None] = {}
        for language, by_stem in self._by_stem.items():
            stem = stem_in(language, word)
            forms |= dict.fromkeys(by_stem.get(stem, ())[:MAX_FORMS])
            if len(word) >= MIN_PART:
                ended |= dict.fromkeys(self._ending_in(language, stem))
                begun |= dict.fromkeys(self._begun_by(language, word, stem))
        forms.pop(word, None)
        return [*list(forms)[:MAX_FORMS], *[form for form in ended | begun if form not in forms][:MAX_FORMS]]

    def _ending_in(self, language: str, stem: str) -> Iterator[str]:
        """The first `MAX_FORMS` words that end in a stem and are longer."""
        words, ending = self._by_ending.get(language, []), stem[::-1]
        start = bisect_left(words, (ending,))
        for reversed_stem, word in words[start : start + 2 * MAX_FORMS]:
            if reversed_stem.startswith(ending) and reversed_stem != ending:
                yield word

    def _begun_by(self, language: str, word: str, stem: str) -> Iterator[str]:
        """Words of which one is the first part: `hunde`, `hund`: `hundebett`."""
        words = self._sorted.get(language, [])
        start = bisect_left(words, stem)
        for compound in takewhile(lambda one: one.startswith(stem), words[start : start + _BEGUN_LOOKED_AT]):
            rest = compound.removeprefix(word)
            is_long = len(word) > MIN_PART and MIN_PART <= len(rest) < len(compound)
            if is_long or self._is_headed(language, compound[len(stem) :]):
                yield compound

    def _is_headed(self, language: str, rest: str) -> bool:
        """Whether a word's end is a word that products have."""
        heads = (rest.removeprefix(link) for link in _LINKS if rest.startswith(link))
        return any(len(head) >= MIN_PART and (language, head) in self._known for head in heads)
