"""Which kinds of products a query of several words names, so that one of them alone, a colour, is not enough.

A red onion has a word of "red dress" and is none: what is meant is where the products are that have most of the words.
Those are in few of the catalogue's categories, and others that have some words match there alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from query_api.cards.card import NO_CODE
from query_api.cards.card_table import AnswerCards
from query_api.relevance.query_floor import Floor, QueryFloor
from query_api.retrieval.candidate_columns import CandidateColumns


@dataclass(frozen=True, slots=True)
class KindsAskedFor:
    """The categories of the products that have most of a query's words, whatever its filters."""

    categories: NDArray[np.int32]
    """(m,) codes."""
    leading_score: float
    """BM25 from which on a product is one of them, and says itself what is asked for."""
    floor: QueryFloor
    """Of the query."""
    cards: AnswerCards
    """Which say in which categories products are."""

    async def among(self, candidates: CandidateColumns) -> NDArray[np.bool_]:
        """Which candidates are of these kinds, or of none that is known, or near by themselves, (n,).

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        is_one = (candidates.lexical >= self.leading_score) | self.floor.is_near_itself(candidates)
        others = candidates.kept(~is_one)
        gone = set(await self.cards.load(others.ids))
        there = [product_id for product_id in others.ids if product_id not in gone]
        codes = self.cards.columns(there).numbers["category"]
        kept = dict(zip(there, np.isin(codes, self.categories) | (codes == NO_CODE), strict=True))
        # Of what has gone there is nothing to be told; it is left out where cards are shown.
        is_one[~is_one] = [kept.get(product_id, True) for product_id in others.ids]
        return is_one


async def kinds_asked_for(floor: Floor | None, cards: AnswerCards) -> KindsAskedFor | None:
    """The kinds that a query names; None: it is of one word, or the catalogue has no categories that tell them.

    Raises:
        StoreUnavailable: the product store does not answer.
    """
    if not isinstance(floor, QueryFloor) or floor.has_media or floor.words is None or not floor.words.leading:
        return None
    words = floor.words
    gone = set(await cards.load(words.leading))
    leading = [product_id for product_id in words.leading if product_id not in gone]
    categories = np.unique(cards.columns(leading).numbers["category"]) if leading else np.empty(0, np.int32)
    # A leading product of no category may be of any.
    if not len(categories) or NO_CODE in categories:
        return None
    return KindsAskedFor(categories, words.leading_score, floor, cards)
