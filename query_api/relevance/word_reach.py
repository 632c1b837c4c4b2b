"""What products can score for words: the best BM25 of each."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping

from indexer.memo import RecentValues, text_bytes
from indexer.ports import ProductStore
from indexer.text_analysis.analyzer import query_terms
from query_api.relevance.query_floor import WordReach

MAX_TERMS = 64
"""How many terms of a query are looked at, the first ones; some 20 words, or as many Chinese characters."""
KEPT_S = 600.0
"""How long the best score of a term counts: it changes as slowly as the catalogue's words."""
KEPT_BYTES = 2 * 2**20
_TERM_BYTES = 200


class TermScores:
    """The best BM25 of terms over the whole index, whatever the filters; kept for a while."""

    def __init__(self, store: ProductStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._kept = RecentValues[str, tuple[float, float]](KEPT_BYTES)

    async def reach(self, text: str, product_count: int) -> WordReach:
        """What products can score for a text's words, in an index of so many products. Raises `StoreUnavailable`."""
        terms = _terms(text)
        now_s = self._clock()
        scores = {term: kept[0] for term in terms if (kept := self._kept.get(term)) and kept[1] > now_s}
        if asked_for := [term for term in terms if term not in scores]:
            found = await self._store.search_terms_all(asked_for, (), 1)
            for term, rows in zip(asked_for, found, strict=True):
                scores[term] = rows[0].score if rows else 0.0
                # A word that no product has is asked for again: the next product may have it.
                if rows:
                    self._kept.put(term, (scores[term], now_s + KEPT_S), text_bytes(term) + _TERM_BYTES)
        return _reach(terms, scores, product_count)


def _terms(text: str) -> dict[str, int]:
    """The first terms of a text, with how often it has each."""
    return dict(list(Counter(query_terms(text).split()).items())[:MAX_TERMS])


def _reach(counts: Mapping[str, int], scores: Mapping[str, float], product_count: int) -> WordReach:
    """Args: counts: how often each term is looked for; scores: its best one; 0: no product has it."""
    # Where all terms but one are common, the one that is not there would have told most.
    rarest = max((math.log1p((product_count + 0.5) / 0.5), *scores.values()))
    known = sum(count * scores[term] for term, count in counts.items())
    unknown = sum(count * rarest for term, count in counts.items() if not scores[term])
    return WordReach(known + unknown, known, len(counts))
