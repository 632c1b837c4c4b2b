"""How shoppers say prices, beside a catalogue's words: a recogniser understands what it expects alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

from encoders.speech.port import SpokenVocabulary
from query_api.understanding.number_words import ONES, TEENS, TENS

_LEADS: Final = ("under", "below", "over", "above", "between", "less", "cheaper", "more")
_COMPARING: Final = ("less", "cheaper", "more")
_BEFORE_NUMBERS: Final = ("under", "below", "over", "above", "between", "than", "and", "to")
_SMALL: Final = (*ONES, *TEENS, *TENS)
_LEAD_SHARE: Final = 0.1
_NUMBER_SHARE: Final = 0.005
"""Of the most frequent word's count: a price may follow any product, a number alone is rare, and sounds like much."""
_PAIR_SHARE: Final = 0.01
_TENS_WEIGHT: Final = 4
"""Most prices that are said begin with tens."""


def add_price_words(spoken: SpokenVocabulary) -> SpokenVocabulary:
    """A catalogue's words, and those of prices: `under twenty five dollars`, `between one hundred and two hundred`."""
    most = max(spoken.counts, default=1)
    counts = dict(zip(spoken.words, spoken.counts, strict=True))
    for word, share in _words():
        counts[word] = counts.get(word, 0) + max(1, round(share * most))
    places = {word: at for at, word in enumerate(counts)}
    pairs = {(first, second): count for first, second, count in spoken.bigrams}
    for first, second, weight in _pairs():
        pair = places[first], places[second]
        pairs[pair] = pairs.get(pair, 0) + max(1, round(_PAIR_SHARE * most)) * weight
    following = [(first, second, count) for (first, second), count in pairs.items()]
    return SpokenVocabulary(list(counts), list(counts.values()), following, spoken.cooccurrences)


def _words() -> Iterator[tuple[str, float]]:
    """Words with their shares."""
    yield from ((lead, _LEAD_SHARE) for lead in _LEADS)
    rest = ("than", "and", "to", "a", "hundred", "thousand", "dollars", "euros")
    yield from ((word, _NUMBER_SHARE) for word in (*_SMALL, *rest))


def _pairs() -> Iterator[tuple[str, str, int]]:
    """What follows what in a price, with weights."""
    yield from ((word, "than", _TENS_WEIGHT) for word in _COMPARING)
    for word, number in product(_BEFORE_NUMBERS, (*_SMALL, "a")):
        yield word, number, _TENS_WEIGHT if number in TENS else 1
    yield from ((ten, one, 1) for ten, one in product(TENS, ONES))
    # Nineteen ninety nine.
    yield from ((whole, cents, 1) for whole, cents in product((*ONES, *TEENS), TENS))
    yield from ((one, big, 1) for one, big in product((*ONES, "a"), ("hundred", "thousand")))
    yield from (("hundred", number, 1) for number in (*_SMALL, "and"))
    for number, after in product((*_SMALL, "hundred", "thousand"), ("dollars", "euros", "and", "to")):
        if (number, after) != ("hundred", "and"):
            yield number, after, 1
