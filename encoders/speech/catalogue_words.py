"""What a recogniser heard, as words of a catalogue: near in spelling, and such as stand together there. Pure.

A lattice over the heard words: each run of one to three of them may be a word that is spelt much like it. Paths are
scored by how they were heard, by edits, and by the catalogue's bigrams.
Source: Jurafsky and Martin, "Speech and language processing", appendix B (the noisy channel); the bigrams as in
`language_model`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from encoders.speech.language_model import BigramModel
from encoders.speech.port import SpokenVocabulary

_LANGUAGE_WEIGHT: Final = 0.8
"""Of a word's log-probability after the word before it."""
_EDIT_COST: Final = 1.0
"""Of a letter that differs, in nats."""
_WORD_BONUS: Final = 3.0
"""For each word, in nats: sums of log-probabilities prefer few words."""
_LONGEST_RUN: Final = 3
_MAX_RUN_LETTERS: Final = 14
_NEIGHBOURS: Final = 5
"""Catalogue words that a run is taken for."""
_PATHS: Final = 20
"""Paths kept at each place."""
_SHORT: Final = 3
"""Letters of a heard word that may have been no word, at most."""
_DROP_COST: Final = 0.85
"""For each letter of such a word."""

_Path = tuple[float, tuple[str, ...]]


class CatalogueWords:
    """Finds the texts of a catalogue's words that are nearest to what was heard."""

    def __init__(self, vocabulary: SpokenVocabulary) -> None:
        self._words = vocabulary.words
        self._language = BigramModel(vocabulary)
        self._near: dict[str, list[tuple[str, int]]] = {}

    def nearest_texts(self, heard: Mapping[str, float], most: int) -> list[str]:
        """Texts of catalogue words alone, the most probable first.

        Args:
            heard: texts in lower case with their log-probabilities.
        """
        self._near.clear()
        scores: dict[str, float] = {}
        for text, log_probability in heard.items():
            for score, words in self._paths(text.split()):
                found = " ".join(words)
                scores[found] = max(scores.get(found, -1e9), log_probability + score)
        return heapq.nlargest(most, filter(None, scores), key=scores.__getitem__)

    def _paths(self, heard: list[str]) -> list[_Path]:
        """The best ways through all heard words."""
        ends: list[list[_Path]] = [[(0.0, ())], *([] for _ in heard)]
        for start, word in enumerate(heard):
            paths = heapq.nlargest(_PATHS, ends[start])
            for end in range(start + 1, min(len(heard), start + _LONGEST_RUN) + 1):
                ends[end] += self._extended(paths, "".join(heard[start:end]))
            if len(word) <= _SHORT:
                ends[start + 1] += [(score - _DROP_COST * len(word), words) for score, words in paths]
        return heapq.nlargest(_NEIGHBOURS, ends[-1])

    def _extended(self, paths: Iterable[_Path], run: str) -> list[_Path]:
        return [
            (
                score
                + _LANGUAGE_WEIGHT * self._language.log_probability(words[-1] if words else None, word)
                + _WORD_BONUS
                - _EDIT_COST * edits,
                (*words, word),
            )
            for word, edits in self._neighbours(run)
            for score, words in paths
            # Whisper repeats itself where it has few words to choose from, and who searches does not.
            if word not in words or self._language.is_followed(words[-1], word)
        ]

    def _neighbours(self, run: str) -> list[tuple[str, int]]:
        """The catalogue words that differ from a run in half of its letters at most, with the number of edits."""
        if len(run) > _MAX_RUN_LETTERS:
            return [(run, 0)] if run in self._language else []
        if run not in self._near:
            found = process.extract(
                run,
                self._words,
                scorer=Levenshtein.distance,
                limit=_NEIGHBOURS,
                score_cutoff=max(1, len(run) // 2),
            )
            self._near[run] = [(word, int(edits)) for word, edits, _ in found]
        return self._near[run]
