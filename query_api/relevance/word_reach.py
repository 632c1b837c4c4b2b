"""What products can score for words: the best BM25 of each."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from indexer.memo import RecentValues, text_bytes
from indexer.ports.products import ProductStore
from indexer.text_analysis.analyzer import count_words, query_terms
from indexer.text_analysis.words import CODED
from query_api.relevance.query_floor import SHORT_QUERY, WELL_MATCHED, Leading, WordReach

MAX_TERMS = 24
"""How many terms of a query are asked for, the first ones: some 20 words, or 8 of Chinese. Each is a search of its own
in a call to the store, which a query of nothing but new words makes each time; further terms count as these do."""
KEPT_S = 600.0
"""How long the best score of a term counts: it changes as slowly as the catalogue's words."""
NONE_KEPT_S = 60.0
"""How long no product is taken to have both words: more match until one is found than have to."""
KEPT_BYTES = 2 * 2**20
LEADING, LEADING_SHARE, ALL_WORDS = 64, 0.7, 0.75
"""How many products at most say of which kind is what two words name: those that have so much of what the best has,
where that has so much of all words. One that has every word had .79 and more in a catalogue, others .69 at most."""
_TERM_BYTES = 200
_CHARACTER = len(CODED) + 4
"""How long the term of one Chinese character is, but for the rarest."""


class _Scores(NamedTuple):
    """BM25 of the products that have terms, the best and the `WELL_MATCHED`th; 0: there is none."""

    best: float
    well_matched: float
    until_s: float = 0.0
    """When it is asked for anew, by the clock."""


class _KeptLeading(NamedTuple):
    leading: Leading | None
    until_s: float
    """When it is asked for anew, by the clock."""


class TermScores:
    """What terms score over the whole index, whatever the filters; kept for a while."""

    def __init__(self, store: ProductStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._kept = RecentValues[str, _Scores](KEPT_BYTES)
        self._leading = RecentValues[str, _KeptLeading](KEPT_BYTES)

    async def reach(self, text: str, product_count: int, *, tells_kinds: bool = True) -> WordReach:
        """What products can score for a text's words.

        Args:
            text: the words.
            product_count: how many products the index has.
            tells_kinds: whether to look for those that have most of the words.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        counts = Counter(query_terms(text).split())
        terms = dict(list(counts.items())[:MAX_TERMS])
        share = sum(terms.values()) / max(1, counts.total())
        together = " ".join(" ".join([term] * count) for term, count in terms.items())
        # Two words of Chinese are nine terms.
        word_count = count_words(text)
        is_short = word_count <= SHORT_QUERY
        scores = await self._scores({*terms, *([together] if is_short and together else [])})
        # Where all terms but one are common, the one that is not there would have told most.
        rarest = max((math.log1p((product_count + 0.5) / 0.5), *(one.best for one in scores.values())))
        known = sum(count * scores[term].best for term, count in terms.items())
        unknown = sum(count * rarest for term, count in terms.items() if not scores[term].best)
        well_matched = scores[together].well_matched if is_short and together else 0.0
        leading = None
        if tells_kinds and 1 < word_count <= SHORT_QUERY:
            single = max(count * scores[term].best for term, count in terms.items())
            leading = await self._leading_of(text, together, single, ALL_WORDS * (known + unknown))
        return WordReach(
            (known + unknown) / (share or 1.0),
            known / (share or 1.0),
            word_count,
            well_matched,
            leading,
            *_one_character({term: count * scores[term].best for term, count in terms.items()}),
        )

    async def _leading_of(self, text: str, together: str, single: float, all_words: float) -> Leading | None:
        """The products that have most of a text's two words; where none has both, those that have the second.

        Args:
            text: the words.
            together: their terms, separated by blanks.
            single: the most that a product can score with one of the terms alone.
            all_words: what one scores at least that has all words.
        """
        now_s = self._clock()
        if (kept := self._leading.get(text)) and kept.until_s > now_s:
            return kept.leading
        found = await self._store.search_terms(together, (), LEADING)
        if not len(found.ids) or found.scores[0] < all_words:
            kept = _KeptLeading(await self._with_noun(text), now_s + NONE_KEPT_S)
        else:
            least = max(LEADING_SHARE * float(found.scores[0]), np.nextafter(np.float32(single), np.float32(np.inf)))
            ids = tuple(found.ids[: int((found.scores >= least).sum())])
            kept = _KeptLeading(Leading(ids, float(least)) if ids else None, now_s + KEPT_S)
        self._leading.put(text, kept, text_bytes(text, *(kept.leading.ids if kept.leading else ())) + _TERM_BYTES)
        return kept.leading

    async def _with_noun(self, text: str) -> Leading | None:
        """The products that have the second of two words; None: none has, or words are not parted by blanks."""
        noun = text.split()[-1]
        terms = query_terms(noun)
        if not terms or count_words(noun) > 1:
            return None
        found = await self._store.search_terms(terms, (), LEADING)
        return Leading(tuple(found.ids), noun=frozenset(terms.split())) if len(found.ids) else None

    async def _scores(self, queries: set[str]) -> dict[str, _Scores]:
        """By terms, one or several separated by blanks."""
        now_s = self._clock()
        scores = {one: kept for one in queries if (kept := self._kept.get(one)) and kept.until_s > now_s}
        if asked_for := sorted(queries - scores.keys()):
            found = await self._store.search_terms_all(asked_for, (), WELL_MATCHED)
            for one, rows in zip(asked_for, found, strict=True):
                last = rows[WELL_MATCHED - 1].score if len(rows) == WELL_MATCHED else 0.0
                scores[one] = _Scores(rows[0].score if rows else 0.0, last, now_s + KEPT_S)
                # A word that no product has is asked for again: the next product may have it.
                if rows:
                    self._kept.put(one, scores[one], text_bytes(one) + _TERM_BYTES)
        return scores


def _one_character(scores: Mapping[str, float]) -> tuple[float, float]:
    """The most that a product can score by one character of a Chinese word, of words that some product has, and of any.

    Args: scores: the best BM25 of each of a query's terms.
    """
    words = {term: best for term, best in scores.items() if term.startswith(CODED) and len(term) > _CHARACTER}
    of_known = of_any = 0.0
    for term, best in scores.items():
        if term.startswith(CODED) and len(term) == _CHARACTER:
            within = [score for word, score in words.items() if term[len(CODED) :] in word]
            of_any = max(of_any, best if within else 0.0)
            of_known = max(of_known, best if any(within) else 0.0)
    return of_known, of_any
