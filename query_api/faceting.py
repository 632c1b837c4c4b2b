"""Which products facets are counted over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from indexer.cards import Card, decode_card
from indexer.criteria import After, Filters
from indexer.ports import ProductStore
from query_api.facets import Facet, Tally
from query_api.ranking import read_card
from query_api.requests import SearchRequest
from query_api.retrieval import Depth, Retrieval, retrieve

PAGE = 10_000
EVERYTHING = 200_000
"""Up to so many products without a query are counted one and all; with more, just the candidates are."""
_STEP = 500
"""Products counted between two looks at what else there is to do: a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts by field."""

    counts: Mapping[str, Facet]
    complete: bool
    """Whether they were made from all products that match."""


class FacetCounter:
    """Counts facets over the candidates of a search, or over more than those where the request takes more."""

    def __init__(self, store: ProductStore, depth: Depth) -> None:
        self._store = store
        self._depth = depth

    async def count(self, request: SearchRequest, retrieval: Retrieval, cards: Sequence[Card], unseen: int) -> Facets:
        """Count the facets that a request asks for.

        Args:
            request: which facets, and how.
            retrieval: what was looked for.
            cards: of the candidates.
            unseen: how many products match beyond the candidates, where they were counted.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        asked = list(dict.fromkeys((*request.facets, *request.facet_ranges)))
        own = {one: _without(retrieval.filters, one) for one in asked} if request.multi_select else {}
        widened = {one: filters for one, filters in own.items() if len(filters) < len(retrieval.filters)}
        tally = Tally([one for one in asked if one not in widened], request.facet_ranges)
        complete = await self._fill(tally, retrieval, cards, unseen) if len(asked) > len(widened) else True
        counts = tally.facets()
        for field, filters in widened.items():
            tally = Tally([field], request.facet_ranges)
            complete &= await self._look(tally, request, replace(retrieval, filters=filters))
            counts |= tally.facets()
        return Facets({one: counts[one] for one in asked}, complete)

    async def _look(self, tally: Tally, request: SearchRequest, retrieval: Retrieval) -> bool:
        found = await retrieve(self._store, retrieval, self._depth)
        cards = [read_card(one) for one in found.items if one.product_id != request.product_id]
        return await self._fill(tally, retrieval, cards, found.unseen) and (found.unseen > 0 or not found.cut)

    async def _fill(self, tally: Tally, retrieval: Retrieval, cards: Sequence[Card], unseen: int) -> bool:
        """Count candidates, or everything; whether that is all there is beyond what a query's depth cuts."""
        if not unseen or len(cards) + unseen > EVERYTHING:
            await _add(tally, cards)
            return not unseen
        async for page in self._pages(retrieval.filters):
            await _add(tally, page)
        return True

    async def _pages(self, filters: Filters) -> AsyncIterator[Iterable[Card]]:
        """All products that pass, by id."""
        after = ""
        while found := await self._store.browse((*filters, After(after)), PAGE):
            yield (decode_card(one.card) for one in found)
            after = found[-1].product_id


async def _add(tally: Tally, cards: Iterable[Card]) -> None:
    """Count products in small steps, so that other queries go on meanwhile."""
    step: list[Card] = []
    for card in cards:
        step.append(card)
        if len(step) >= _STEP:
            tally.add(step)
            step.clear()
            await asyncio.sleep(0)
    tally.add(step)


def _without(filters: Filters, field: str) -> Filters:
    return tuple(one for one in filters if getattr(one, "field", None) != field)
