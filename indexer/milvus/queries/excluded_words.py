"""Filters by words that products must lack, for an engine whose expressions cannot ask for that.

The index of words is asked which products hold them, and those are left out by their ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from indexer.criteria import Filters, NotIds, WithoutWords
from indexer.milvus.limits import DEFAULT_LIMITS
from indexer.text_analysis.analyzer import lacking_terms, required_terms

TermLookup = Callable[[str, Filters, int], Awaitable[list[str]]]
"""Ids of at most `limit` products that have a term and pass filters."""


async def replace_excluded_words(filters: Filters, lookup: TermLookup, listed: int = DEFAULT_LIMITS.listed) -> Filters:
    """The same filters, with the ids of products that hold the words in place of `WithoutWords`.

    The ids are those of now: a product that comes to hold the words before the search may still be found by it.

    Args:
        filters: as a request has them.
        lookup: asks the index of words.
        listed: how many products it lists at once.
    """
    texts = dict.fromkeys(
        (text, criterion.spares_denials)
        for criterion in filters
        if isinstance(criterion, WithoutWords)
        for text in criterion.texts
    )
    plain = tuple(criterion for criterion in filters if not isinstance(criterion, WithoutWords))
    holders = await asyncio.gather(*(_holders(text, spared, plain, lookup, listed) for text, spared in texts))
    no_ids: set[str] = set()
    excluded = tuple(sorted(no_ids.union(*holders)))
    return (*plain, NotIds(excluded)) if excluded else plain


async def _holders(text: str, spares_denials: bool, filters: Filters, lookup: TermLookup, listed: int) -> set[str]:
    """The products that hold a text, but for those that say to be without it."""
    holders = await _ids_with_all_terms(required_terms(text), filters, lookup, listed)
    if not (holders and spares_denials):
        return holders
    denying = await asyncio.gather(*(_ids_with_term(term, filters, lookup, listed) for term in lacking_terms(text)))
    return holders.difference(*denying)


async def _ids_with_all_terms(terms: tuple[str, ...], filters: Filters, lookup: TermLookup, listed: int) -> set[str]:
    """The products that have all of these terms; of no terms, none."""
    holders = await asyncio.gather(*(_ids_with_term(term, filters, lookup, listed) for term in terms))
    return holders[0].intersection(*holders[1:]) if holders else set()


async def _ids_with_term(term: str, filters: Filters, lookup: TermLookup, listed: int) -> set[str]:
    """The products that have a term, however many they are."""
    page = await lookup(term, filters, listed)
    ids = set(page)
    while len(page) >= listed:
        page = await lookup(term, (*filters, NotIds(tuple(ids))), listed)
        ids |= set(page)
    return ids
