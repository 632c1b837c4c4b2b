"""Which products facets are counted over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from indexer.criteria import Filters, IdAfter
from indexer.hit_payload import HitPayload, decode_hit_payload
from indexer.ports import ProductStore
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import Facet
from query_api.retrieval.hybrid_search import RetrievalLimits, RetrievalQuery, retrieve
from query_api.search.facets import FacetTally
from query_api.search.ranking import read_payload

PAGE_SIZE = 10_000
MAX_COUNTED_PRODUCTS = 200_000
"""Up to so many products without a query are counted one and all; with more, just the candidates are."""
_STEP = 500
"""Products counted between two looks at what else there is to do: a few milliseconds."""


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """Counts by field."""

    by_field: Mapping[str, Facet]
    is_complete: bool
    """Whether they were made from all products that match."""


class FacetCounter:
    """Counts facets over the candidates of a search, or over more than those where the request takes more."""

    def __init__(self, store: ProductStore, depth: RetrievalLimits) -> None:
        self._store = store
        self._limits = depth

    async def count(
        self, request: SearchRequest, retrieval: RetrievalQuery, cards: Sequence[HitPayload], unseen: int
    ) -> FacetCounts:
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
        own = {one: _without_field(retrieval.filters, one) for one in asked} if request.multi_select else {}
        widened = {one: filters for one, filters in own.items() if len(filters) < len(retrieval.filters)}
        tally = FacetTally([one for one in asked if one not in widened], request.facet_ranges)
        complete = await self._tally(tally, retrieval, cards, unseen) if len(asked) > len(widened) else True
        counts = tally.facets()
        for field, filters in widened.items():
            tally = FacetTally([field], request.facet_ranges)
            complete &= await self._count_retrieved(tally, request, replace(retrieval, filters=filters))
            counts |= tally.facets()
        return FacetCounts({one: counts[one] for one in asked}, complete)

    async def _count_retrieved(self, tally: FacetTally, request: SearchRequest, retrieval: RetrievalQuery) -> bool:
        found = await retrieve(self._store, retrieval, self._limits)
        cards = [read_payload(one) for one in found.items if one.product_id != request.product_id]
        return await self._tally(tally, retrieval, cards, found.unretrieved_count) and (
            found.unretrieved_count > 0 or not found.is_truncated
        )

    async def _tally(
        self, tally: FacetTally, retrieval: RetrievalQuery, cards: Sequence[HitPayload], unseen: int
    ) -> bool:
        """Count candidates, or everything; whether that is all there is beyond what a query's depth cuts."""
        if not unseen or len(cards) + unseen > MAX_COUNTED_PRODUCTS:
            await _add_in_steps(tally, cards)
            return not unseen
        async for page in self._pages(retrieval.filters):
            await _add_in_steps(tally, page)
        return True

    async def _pages(self, filters: Filters) -> AsyncIterator[Iterable[HitPayload]]:
        """All products that pass, by id."""
        after = ""
        while found := await self._store.browse((*filters, IdAfter(after)), PAGE_SIZE):
            yield (decode_hit_payload(one.payload) for one in found)
            after = found[-1].product_id


async def _add_in_steps(tally: FacetTally, cards: Iterable[HitPayload]) -> None:
    """Count products in small steps, so that other queries go on meanwhile."""
    step: list[HitPayload] = []
    for card in cards:
        step.append(card)
        if len(step) >= _STEP:
            tally.add(step)
            step.clear()
            await asyncio.sleep(0)
    tally.add(step)


def _without_field(filters: Filters, field: str) -> Filters:
    return tuple(one for one in filters if getattr(one, "field", None) != field)
