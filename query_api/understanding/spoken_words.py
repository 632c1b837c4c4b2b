"""The words that shoppers may say, which a recogniser is told to expect: a catalogue's, and those of prices."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise, product
from typing import Any, Final, TypeVar

from encoders.speech.port import SpokenVocabulary
from indexer.text_analysis.folding import fold
from query_api.understanding.number_words import ONES, TEENS, TENS
from query_api.understanding.vocabulary import vocabulary_texts

Counted = TypeVar("Counted")

MAX_SPOKEN_WORDS = 20_000
"""The words with the most products are kept; more make a recogniser slow, and unsure."""
MAX_COUNTED_WORDS = 100_000
"""More are cut to half, the rarest first."""
MAX_LETTERS = 40
"""Longer words nobody says."""
MAX_WORD_PAIRS = 300_000
"""More are cut to half, the rarest first."""
MAX_COOCCURRING_WORDS = 24
"""How many words of a product are counted as occurring together: the first ones, without function words."""
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_FUNCTION_WORDS = frozenset(["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"])
"""They are in every title and in few queries, and so short that a recogniser hears them everywhere: counted once."""

_LEADS: Final = ("under", "below", "over", "above", "between", "less", "cheaper", "more")
"""Words that begin a price."""
_COMPARING: Final = ("less", "cheaper", "more")
"""Those that `than` follows."""
_BEFORE_NUMBERS: Final = ("under", "below", "over", "above", "between", "than", "and", "to")
_SMALL_NUMBERS: Final = (*ONES, *TEENS, *TENS)
_LEAD_SHARE: Final = 0.1
"""A lead's count, as a share of the most frequent word's: a price may follow any product."""
_NUMBER_SHARE: Final = 0.005
"""A number's count, likewise: it is rare without a lead, and sounds like much else."""
_PAIR_SHARE: Final = 0.01
"""A pair's count for each weight of 1, likewise."""
_TENS_WEIGHT: Final = 4
"""Most prices that are said begin with tens."""


class SpokenWordCounts:
    """Counts of words, of pairs side by side and of pairs in one product. Not thread-safe: one event loop uses it.

    Attributes:
        change_count: grows with each product that had a word, or a pair side by side, which was new.
    """

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._following: Counter[tuple[str, str]] = Counter()
        self._cooccurring: Counter[tuple[str, str]] = Counter()
        self.change_count = 0

    def add(self, fields: Mapping[str, Any]) -> None:
        """Count a product. One that has changed is counted again, and what it no longer has stays counted.

        Args:
            fields: the product's fields that are not null, as JSON values.
        """
        sizes_before = len(self._words), len(self._following)
        runs = (_WORD.findall(fold(text)) for text in vocabulary_texts(fields))
        texts = [[word for word in words if len(word) <= MAX_LETTERS] for words in runs]
        distinct = list(dict.fromkeys(word for text in texts for word in text))
        content_words = [word for word in distinct if len(word) > 1 and word not in _FUNCTION_WORDS]
        self._words.update(content_words)
        self._words.update(word for word in distinct if word not in self._words)
        self._following.update({pair for text in texts for pair in pairwise(text)})
        self._cooccurring.update(combinations(sorted(content_words[:MAX_COOCCURRING_WORDS]), 2))
        self.change_count += sizes_before != (len(self._words), len(self._following))
        self._trim()

    def spoken_words(self) -> SpokenVocabulary:
        """What was counted, for a recogniser: the `MAX_SPOKEN_WORDS` most frequent words, and the pairs of these."""
        kept = dict(self._words.most_common(MAX_SPOKEN_WORDS))
        positions = {word: at for at, word in enumerate(kept)}
        return SpokenVocabulary(
            list(kept),
            list(kept.values()),
            _index_pairs(self._following, positions),
            _index_pairs(self._cooccurring, positions),
        )

    def _trim(self) -> None:
        _cut_to_half(self._words, MAX_COUNTED_WORDS)
        for pairs in (self._following, self._cooccurring):
            _cut_to_half(pairs, MAX_WORD_PAIRS)


def _cut_to_half(counts: Counter[Counted], most: int) -> None:
    """Keep the most frequent half where there are more than so many."""
    if len(counts) > most:
        kept = counts.most_common(most // 2)
        counts.clear()
        counts.update(dict(kept))


def add_price_words(spoken: SpokenVocabulary) -> SpokenVocabulary:
    """A catalogue's words, and those of prices: `under twenty five dollars`, `between one hundred and two hundred`.

    The added counts are shares of the most frequent word's, and add to those of words that the catalogue has too.
    """
    most = max(spoken.counts, default=1)
    counts = dict(zip(spoken.words, spoken.counts, strict=True))
    for word, share in _price_words():
        counts[word] = counts.get(word, 0) + max(1, round(share * most))
    positions = {word: at for at, word in enumerate(counts)}
    pairs = {(first, second): count for first, second, count in spoken.bigrams}
    for first, second, weight in _price_bigrams():
        pair = positions[first], positions[second]
        pairs[pair] = pairs.get(pair, 0) + max(1, round(_PAIR_SHARE * most)) * weight
    bigrams = [(first, second, count) for (first, second), count in pairs.items()]
    return SpokenVocabulary(list(counts), list(counts.values()), bigrams, spoken.cooccurrences)


def _index_pairs(pairs: Mapping[tuple[str, str], int], positions: Mapping[str, int]) -> list[tuple[int, int, int]]:
    """(position, position, count) of the pairs whose words both have a position."""
    return [
        (positions[first], positions[second], count)
        for (first, second), count in pairs.items()
        if first in positions and second in positions
    ]


def _price_words() -> Iterator[tuple[str, float]]:
    """Each word of prices, with its share."""
    yield from ((lead, _LEAD_SHARE) for lead in _LEADS)
    rest = ("than", "and", "to", "a", "hundred", "thousand", "dollars", "euros")
    yield from ((word, _NUMBER_SHARE) for word in (*_SMALL_NUMBERS, *rest))


def _price_bigrams() -> Iterator[tuple[str, str, int]]:
    """(word, next word, weight) as prices have them side by side."""
    yield from ((word, "than", _TENS_WEIGHT) for word in _COMPARING)
    for word, number in product(_BEFORE_NUMBERS, (*_SMALL_NUMBERS, "a")):
        yield word, number, _TENS_WEIGHT if number in TENS else 1
    yield from ((ten, unit, 1) for ten, unit in product(TENS, ONES))
    # Nineteen ninety nine.
    yield from ((whole, cents, 1) for whole, cents in product((*ONES, *TEENS), TENS))
    yield from ((unit, power, 1) for unit, power in product((*ONES, "a"), ("hundred", "thousand")))
    yield from (("hundred", number, 1) for number in (*_SMALL_NUMBERS, "and"))
    for number, after in product((*_SMALL_NUMBERS, "hundred", "thousand"), ("dollars", "euros", "and", "to")):
        if (number, after) != ("hundred", "and"):
            yield number, after, 1
