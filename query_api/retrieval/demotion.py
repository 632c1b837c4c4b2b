"""Lexical search with products ranked down that have words which are not wanted."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import numpy as np

from indexer.criteria import Filters, WithoutWords
from indexer.ports.products import ProductStore, ScoredIds

UNWANTED_FACTOR = 0.5
"""What is left of the lexical score of a product with a word that is not wanted. On 30 judged queries, 11 of which say
`without`, words alone have nDCG@10 .702 by it, and recall@100 of exact products .925; .679 where nothing is ranked
down; where such products are left out .702 again, but recall .838: many name what they do without, or what comes off.
"""


class WordMatches(NamedTuple):
    """What lexical search found."""

    found: ScoredIds
    """Best first."""
    floor: float | None
    """The score from which on all products are among it; None: all that match are."""


async def search_words(
    store: ProductStore, text: str, unwanted: WithoutWords | None, filters: Filters, limit: int
) -> WordMatches:
    """The best products by lexical score, those with unwanted words ranked down. Raises `StoreUnavailable`."""
    if unwanted is None:
        return _matches(await store.search_lexical(text, filters, limit), limit)
    everything, wanted = await asyncio.gather(
        store.search_lexical(text, filters, limit), store.search_lexical(text, (*filters, unwanted), limit)
    )
    # One that the second search lacks has them: without them, it would be as far up there as in the first, or further.
    known = set(wanted.ids)
    ranked_down = {one: UNWANTED_FACTOR * score for one, score in everything.by_id().items() if one not in known}
    cut = (_matches(wanted, limit).floor or 0.0, UNWANTED_FACTOR * (_matches(everything, limit).floor or 0.0))
    scores = sorted({**wanted.by_id(), **ranked_down}.items(), key=lambda one: -one[1])
    kept = [(one, score) for one, score in scores if score >= max(cut)][:limit]
    found = ScoredIds([one for one, _ in kept], np.array([score for _, score in kept], np.float32))
    is_cut = max(cut) > 0 or len(kept) < len(scores)
    return WordMatches(found, float(found.scores[-1]) if is_cut and kept else None)


def _matches(found: ScoredIds, limit: int) -> WordMatches:
    return WordMatches(found, float(found.scores[-1]) if len(found) >= limit else None)
