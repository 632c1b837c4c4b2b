"""Which kinds of products a query of two words names, so that one of them alone, a colour, is not enough.

A red onion has a word of "red dress" and is none: what is meant is where the products are that have both words. Those
are in few of the catalogue's categories, and what has one of the words matches there alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from query_api.cards.card import NO_CODE, CodeArray, CodeBook
from query_api.cards.card_table import AnswerCards
from query_api.relevance.query_floor import Floor, QueryFloor
from query_api.retrieval.candidate_columns import CandidateColumns

KIND_DEPTH = 2
"""Levels of a category's path that tell a kind: further ones part what is alike, and cost recall in deep trees."""


@dataclass(frozen=True, slots=True)
class KindsAskedFor:
    """The kinds of the products that have both of a query's words, whatever its filters."""

    kinds: frozenset[int]
    """Codes of categories, of `KIND_DEPTH` levels at most."""
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
        others = candidates.kept(~is_one).ids
        kinds, allowed = await _kinds(others, self.cards), {NO_CODE, *self.kinds}
        # Of what has gone there is nothing to be told; it is left out where cards are shown.
        is_one[~is_one] = [kinds.get(product_id, NO_CODE) in allowed for product_id in others]
        return is_one

    def among_categories(self, categories: CodeArray) -> CodeArray:
        """Those of categories, codes (n,), that are of these kinds."""
        return categories[np.array([_kind(code, self.cards.book) in self.kinds for code in categories.tolist()], bool)]


async def kinds_asked_for(floor: Floor | None, cards: AnswerCards) -> KindsAskedFor | None:
    """The kinds that a query names; None: it is not of two words, no product has both, or one has no category.

    Products that have gone since they were found to have both words say nothing any more.

    Raises:
        StoreUnavailable: the product store does not answer.
    """
    if not isinstance(floor, QueryFloor) or floor.has_media or floor.words is None or not floor.words.leading:
        return None
    kinds = frozenset((await _kinds(floor.words.leading, cards)).values())
    is_told = bool(kinds) and NO_CODE not in kinds
    return KindsAskedFor(kinds, floor.words.leading_score, floor, cards) if is_told else None


async def _kinds(product_ids: Sequence[str], cards: AnswerCards) -> dict[str, int]:
    """The codes of products' kinds, `NO_CODE` of one that has no category; those that have gone are left out."""
    gone = set(await cards.load(product_ids))
    there = [product_id for product_id in product_ids if product_id not in gone]
    codes: list[int] = cards.columns(there).numbers["category"].tolist() if there else []
    kinds = {code: _kind(code, cards.book) for code in set(codes)}
    return dict(zip(there, map(kinds.__getitem__, codes), strict=True))


def _kind(category: int, book: CodeBook) -> int:
    """The kind that a category is of; `NO_CODE` of none."""
    return (book.category_path_codes(category)[:KIND_DEPTH] or [NO_CODE])[-1]
