"""Filters by words that products must lack, on an engine whose expressions cannot ask for that.

Its index of words tells which products hold them, and those are left out by their ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from indexer.criteria import Filters, NotIds, WithoutWords
from indexer.text_analysis.analyzer import required_terms

LISTED = 10_000
"""How many products a lookup lists at once; Milvus gives at most 16,384."""

TermLookup = Callable[[str, Filters, int], Awaitable[list[str]]]
"""Ids of at most `limit` products that have a term and pass filters."""


async def replace_excluded_words(filters: Filters, lookup: TermLookup) -> Filters:
    """The same filters, with the products that hold words in the place of `WithoutWords`.

    They are those of just now: one that comes to hold the words between this and a search may still be found by it.
    """
    texts = dict.fromkeys(text for one in filters if isinstance(one, WithoutWords) for text in one.texts)
    plain = tuple(one for one in filters if not isinstance(one, WithoutWords))
    holders = await asyncio.gather(*(_ids_with_all_terms(required_terms(text), plain, lookup) for text in texts))
    held = tuple(sorted(set[str]().union(*holders)))
    return (*plain, NotIds(held)) if held else plain


async def _ids_with_all_terms(terms: tuple[str, ...], filters: Filters, lookup: TermLookup) -> set[str]:
    """The products that have all of these terms; of no terms, none."""
    having = await asyncio.gather(*(_ids_with_term(term, filters, lookup) for term in terms))
    return set.intersection(*having) if having else set()


async def _ids_with_term(term: str, filters: Filters, lookup: TermLookup) -> set[str]:
    """The products that have a term, however many they are."""
    found = await lookup(term, filters, LISTED)
    ids = set(found)
    while len(found) >= LISTED:
        found = await lookup(term, (*filters, NotIds(tuple(ids))), LISTED)
        ids |= set(found)
    return ids
