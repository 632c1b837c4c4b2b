"""The words that shoppers may say of the catalogue, and what each stands beside: counts that grow with its products."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from typing import Any

from encoders.speech.port import SpokenWords
from indexer.lexical import folded

MOST_WORDS = 20_000
"""The words with the most products; more make a recogniser slow, and sure of nothing."""
MOST_PAIRS = 300_000
"""More are cut to half, the rarest first."""
MOST_BESIDE = 24
"""Words of a product that are counted as standing beside each other, the telling ones first."""
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_FUNCTION_WORDS = frozenset(["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"])
"""They are in each title and in few queries, and so short that they are heard everywhere: counted once."""
_FIELDS = ("title", "brand", "category")


class SpokenCounts:
    """Counts of words and of pairs of words. One event loop adds and reads; each count is of products."""

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._following: Counter[tuple[str, str]] = Counter()
        self._beside: Counter[tuple[str, str]] = Counter()
        self.changes = 0
        """How many products had a word, or two side by side, that were new."""

    def add(self, fields: Mapping[str, Any]) -> None:
        """Count a product, or what has become of it: what it no longer has is not taken away.

        Args:
            fields: the product's fields that are not null, as JSON values.
        """
        known = len(self._words), len(self._following)
        texts = [_WORD.findall(folded(text)) for text in _texts(fields)]
        distinct = list(dict.fromkeys(word for text in texts for word in text))
        telling = [word for word in distinct if len(word) > 1 and word not in _FUNCTION_WORDS]
        self._words.update(telling)
        self._words.update(word for word in distinct if word not in self._words)
        self._following.update({pair for text in texts for pair in pairwise(text)})
        self._beside.update(combinations(sorted(telling[:MOST_BESIDE]), 2))
        self.changes += known != (len(self._words), len(self._following))
        self._trim()

    def words(self) -> SpokenWords:
        """What was counted, for a recogniser; without a word there is nothing to say."""
        kept = dict(self._words.most_common(MOST_WORDS))
        places = {word: at for at, word in enumerate(kept)}
        return SpokenWords(
            list(kept), list(kept.values()), _placed(self._following, places), _placed(self._beside, places)
        )

    def _trim(self) -> None:
        for pairs in (self._following, self._beside):
            if len(pairs) > MOST_PAIRS:
                kept = pairs.most_common(MOST_PAIRS // 2)
                pairs.clear()
                pairs.update(dict(kept))


def _texts(fields: Mapping[str, Any]) -> Iterator[str]:
    for name in _FIELDS:
        yield fields.get(name) or ""
    for value in (fields.get("attributes") or {}).values():
        yield from (value,) if isinstance(value, str) else value


def _placed(pairs: Mapping[tuple[str, str], int], places: Mapping[str, int]) -> list[tuple[int, int, int]]:
    return [
        (places[one], places[other], count)
        for (one, other), count in pairs.items()
        if one in places and other in places
    ]
