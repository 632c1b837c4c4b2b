"""The words that shoppers may say of the catalogue, and what each stands beside: counts that grow with its products."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from typing import Any

from encoders.speech.port import SpokenVocabulary
from indexer.text_analysis.folding import fold

MAX_SPOKEN_WORDS = 20_000
"""The words with the most products; more make a recogniser slow, and sure of nothing."""
MAX_WORD_PAIRS = 300_000
"""More are cut to half, the rarest first."""
MAX_COOCCURRING_WORDS = 24
"""Words of a product that are counted as standing beside each other, the telling ones first."""
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_FUNCTION_WORDS = frozenset(["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"])
"""They are in each title and in few queries, and so short that they are heard everywhere: counted once."""
_FIELDS = ("title", "brand", "category")


class SpokenWordCounts:
    """Counts of words and of pairs of words. One event loop adds and reads; each count is of products."""

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._following: Counter[tuple[str, str]] = Counter()
        self._cooccurring: Counter[tuple[str, str]] = Counter()
        self.change_count = 0
        """How many products had a word, or two side by side, that were new."""

    def add(self, fields: Mapping[str, Any]) -> None:
        """Count a product, or what has become of it: what it no longer has is not taken away.

        Args:
            fields: the product's fields that are not null, as JSON values.
        """
        known = len(self._words), len(self._following)
        texts = [_WORD.findall(fold(text)) for text in _texts(fields)]
        distinct = list(dict.fromkeys(word for text in texts for word in text))
        telling = [word for word in distinct if len(word) > 1 and word not in _FUNCTION_WORDS]
        self._words.update(telling)
        self._words.update(word for word in distinct if word not in self._words)
        self._following.update({pair for text in texts for pair in pairwise(text)})
        self._cooccurring.update(combinations(sorted(telling[:MAX_COOCCURRING_WORDS]), 2))
        self.change_count += known != (len(self._words), len(self._following))
        self._trim()

    def spoken_words(self) -> SpokenVocabulary:
        """What was counted, for a recogniser; without a word there is nothing to say."""
        kept = dict(self._words.most_common(MAX_SPOKEN_WORDS))
        places = {word: at for at, word in enumerate(kept)}
        return SpokenVocabulary(
            list(kept),
            list(kept.values()),
            _index_pairs(self._following, places),
            _index_pairs(self._cooccurring, places),
        )

    def _trim(self) -> None:
        for pairs in (self._following, self._cooccurring):
            if len(pairs) > MAX_WORD_PAIRS:
                kept = pairs.most_common(MAX_WORD_PAIRS // 2)
                pairs.clear()
                pairs.update(dict(kept))


def _texts(fields: Mapping[str, Any]) -> Iterator[str]:
    for name in _FIELDS:
        yield fields.get(name) or ""
    for value in (fields.get("attributes") or {}).values():
        yield from (value,) if isinstance(value, str) else value


def _index_pairs(pairs: Mapping[tuple[str, str], int], places: Mapping[str, int]) -> list[tuple[int, int, int]]:
    return [
        (places[one], places[other], count)
        for (one, other), count in pairs.items()
        if one in places and other in places
    ]
