"""Which kinds of products a query of two words names, so that one of them alone, a colour, is not enough.

A red onion has a word of "red dress" and is none: what is meant is where the products are that have both words. Those
are in few of the catalogue's categories, and what has one of the words matches there alone. Where no product has both,
as of "summer dress", it is the categories that the second word names, since that is the noun.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.text_analysis.analyzer import query_terms
from query_api.cards.card import NO_CODE, CodeArray, CodeBook
from query_api.cards.card_table import AnswerCards
from query_api.relevance.query_floor import Floor, Leading, QueryFloor
from query_api.retrieval.candidate_columns import CandidateColumns

KIND_DEPTH = 2
"""Levels of a category's path that tell a kind: further ones part what is alike, and cost recall in deep trees."""


@dataclass(frozen=True, slots=True)
class KindsAskedFor:
    """The kinds of the products that have both of a query's words, or that its noun names, whatever its filters."""

    includes: Callable[[int], bool]
    """Whether a category, by its code, is of these kinds."""
    leading: Leading
    """The products that say so; one with both words says itself what is asked for."""
    floor: QueryFloor
    """Of the query."""
    cards: AnswerCards
    """Which say in which categories products are."""

    async def among(self, candidates: CandidateColumns) -> NDArray[np.bool_]:
        """Which candidates are of these kinds, or of none that is known, or near by themselves, (n,).

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        is_one = (candidates.lexical >= self.leading.least_score) | self.floor.is_near_itself(candidates)
        others = candidates.kept(~is_one).ids
        codes = await _categories(others, self.cards)
        included = {code: code == NO_CODE or self.includes(code) for code in {NO_CODE, *codes.values()}}
        # Of what has gone there is nothing to be told; it is left out where cards are shown.
        is_one[~is_one] = [included[codes.get(product_id, NO_CODE)] for product_id in others]
        return is_one

    def among_categories(self, categories: CodeArray) -> CodeArray:
        """Those of categories, codes (n,), that are of these kinds."""
        return categories[np.array([self.includes(code) for code in categories.tolist()], bool)]


async def kinds_asked_for(floor: Floor | None, cards: AnswerCards) -> KindsAskedFor | None:
    """The kinds that a query names.

    None: it is not of two words; one of the products that have both has no category; or none has both, and no category
    of the products that have the second bears its name. Products that have gone since say nothing any more.

    Raises:
        StoreUnavailable: the product store does not answer.
    """
    if not isinstance(floor, QueryFloor) or floor.has_media or floor.words is None or not floor.words.leading:
        return None
    leading = floor.words.leading
    codes = frozenset((await _categories(leading.ids, cards)).values())
    includes = _named(leading.noun, codes, cards.book) if leading.noun else _same_kinds(codes, cards.book)
    return KindsAskedFor(includes, leading, floor, cards) if includes else None


def _same_kinds(codes: frozenset[int], book: CodeBook) -> Callable[[int], bool] | None:
    """Tells categories of the same kinds as others; None: there are none, or a product has no category."""
    kinds = {_kind(code, book) for code in codes}
    return None if not kinds or NO_CODE in kinds else lambda code: _kind(code, book) in kinds


def _named(noun: frozenset[str], codes: frozenset[int], book: CodeBook) -> Callable[[int], bool] | None:
    """Tells categories with all terms of a noun in their path; None: none of the `codes` is one."""

    def includes(code: int) -> bool:
        return noun.issubset(query_terms(str(book.values("category").get(code, ""))).split())

    return includes if any(map(includes, codes)) else None


async def _categories(product_ids: Sequence[str], cards: AnswerCards) -> dict[str, int]:
    """The codes of products' categories, `NO_CODE` of one that has none; those that have gone are left out."""
    gone = set(await cards.load(product_ids))
    there = [product_id for product_id in product_ids if product_id not in gone]
    codes: list[int] = cards.columns(there).numbers["category"].tolist() if there else []
    return dict(zip(there, codes, strict=True))


def _kind(category: int, book: CodeBook) -> int:
    """The kind that a category is of; `NO_CODE` of none."""
    return (book.category_path_codes(category)[:KIND_DEPTH] or [NO_CODE])[-1]
