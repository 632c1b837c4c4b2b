"""A catalogue's words as a bigram language model; in the ARPA format, for recognisers that take one.

A word is followed by what follows it in the catalogue's texts, by what products have beside it, or by any word.
Source: Jelinek and Mercer, 1980, "Interpolated estimation of Markov source parameters from sparse data"; back-off
weights as in Katz, 1987, "Estimation of probabilities from sparse data".
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from encoders.speech.port import SpokenVocabulary

BIGRAM_WEIGHT: Final = 0.6
COOCCURRENCE_WEIGHT: Final = 0.35
UNIGRAM_WEIGHT: Final = 0.05
"""Shares of the three estimates of a next word. Shoppers put words in any order, but ask for what the catalogue has."""
END_PROBABILITY: Final = 0.25
"""How often a query ends after a word: some four words long."""
_LOG_ZERO: Final = -99.0

PairCounts = Mapping[int, Mapping[int, int]]


class BigramModel:
    """Log-probabilities of a catalogue's words, one after another."""

    def __init__(self, vocabulary: SpokenVocabulary) -> None:
        total = sum(vocabulary.counts)
        self._positions = {word: at for at, word in enumerate(vocabulary.words)}
        self._single = [count / total for count in vocabulary.counts]
        self._following = _by_first(vocabulary.bigrams)
        counts = self._following, _by_first(_symmetric(vocabulary.cooccurrences))
        weights = BIGRAM_WEIGHT, COOCCURRENCE_WEIGHT
        self._estimates = [
            (weight, pairs, {first: sum(after.values()) for first, after in pairs.items()})
            for weight, pairs in zip(weights, counts, strict=True)
        ]

    def __contains__(self, word: str) -> bool:
        return word in self._positions

    def is_followed(self, first: str, second: str) -> bool:
        """Whether a text of the catalogue has one word after the other."""
        return self._positions[second] in self._following.get(self._positions[first], {})

    def log_probability(self, previous: str | None, word: str) -> float:
        """The log-probability of a word after another one of the vocabulary; None: at the beginning."""
        at = self._positions[word]
        if previous is None:
            return math.log(self._single[at])
        first, probability = self._positions[previous], UNIGRAM_WEIGHT * self._single[at]
        for weight, pairs, totals in self._estimates:
            if first in totals:
                probability += weight * pairs[first].get(at, 0) / totals[first]
        return math.log(probability)


def arpa_language_model(vocabulary: SpokenVocabulary) -> str:
    """The bigram model of a catalogue's words as an ARPA file; any word may follow any other."""
    total = sum(vocabulary.counts)
    single = [count / total for count in vocabulary.counts]
    following, beside = _by_first(vocabulary.bigrams), _by_first(_symmetric(vocabulary.cooccurrences))
    pairs = {
        first: _next_word_probabilities(first, single, following, beside) for first in sorted({*following, *beside})
    }
    return "\n".join(
        (
            *_header_lines(len(single), pairs),
            *_unigram_lines(vocabulary, single, pairs),
            *_bigram_lines(vocabulary, single, pairs),
            "",
        )
    )


def _by_first(counts: Iterable[tuple[int, int, int]]) -> PairCounts:
    pairs: dict[int, dict[int, int]] = defaultdict(dict)
    for first, second, count in counts:
        pairs[first][second] = count
    return pairs


def _symmetric(counts: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    for word, neighbour, count in counts:
        yield word, neighbour, count
        yield neighbour, word, count


def _next_word_probabilities(
    first: int, single: list[float], following: PairCounts, beside: PairCounts
) -> dict[int, float]:
    """Probability of each word that was seen after the word `first`, or with it in a product.

    All other words share the rest in proportion to their own counts; the ARPA format says so by a back-off weight.
    """
    shares = [(BIGRAM_WEIGHT, following.get(first, {})), (COOCCURRENCE_WEIGHT, beside.get(first, {}))]
    known = [(share, counts, sum(counts.values())) for share, counts in shares if counts]
    scale = (1 - END_PROBABILITY) / (sum(share for share, _, _ in known) + UNIGRAM_WEIGHT)
    followers = {second for _, counts, _ in known for second in counts}
    return {
        second: scale
        * (
            UNIGRAM_WEIGHT * single[second]
            + sum(share * counts.get(second, 0) / total for share, counts, total in known)
        )
        for second in followers
    }


def _header_lines(words: int, pairs: Mapping[int, Mapping[int, float]]) -> Iterator[str]:
    bigrams = words + sum(len(after) + 1 for after in pairs.values())
    yield from ("\\data\\", f"ngram 1={words + 2}", f"ngram 2={bigrams}", "", "\\1-grams:")


def _unigram_lines(
    vocabulary: SpokenVocabulary, single: list[float], pairs: Mapping[int, Mapping[int, float]]
) -> Iterator[str]:
    yield f"{_LOG_ZERO:.4f} <s> 0.0"
    yield f"{math.log10(END_PROBABILITY):.4f} </s> 0.0"
    for at, (word, probability) in enumerate(zip(vocabulary.words, single, strict=True)):
        after = pairs.get(at, {})
        left = 1 - END_PROBABILITY - sum(after.values())
        rest = (1 - END_PROBABILITY) * (1 - sum(single[second] for second in after))
        weight = left / rest if after and left > 1e-9 and rest > 1e-9 else 1.0
        yield f"{math.log10((1 - END_PROBABILITY) * probability):.4f} {word} {math.log10(weight):.4f}"


def _bigram_lines(
    vocabulary: SpokenVocabulary, single: list[float], pairs: Mapping[int, Mapping[int, float]]
) -> Iterator[str]:
    yield from ("", "\\2-grams:")
    for word, probability in zip(vocabulary.words, single, strict=True):
        yield f"{math.log10(probability):.4f} <s> {word}"
    for first, after in pairs.items():
        yield f"{math.log10(END_PROBABILITY):.4f} {vocabulary.words[first]} </s>"
        for second, probability in after.items():
            yield f"{math.log10(probability):.4f} {vocabulary.words[first]} {vocabulary.words[second]}"
    yield from ("", "\\end\\")
