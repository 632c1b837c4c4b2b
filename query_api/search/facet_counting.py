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
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.retrieval.hybrid_search import Retriever
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

    def __init__(self, store: ProductStore, retriever: Retriever) -> None:
        self._store = store
        self._retriever = retriever

    async def count(
        self, request: SearchRequest, retrieval: RetrievalQuery, payloads: Sequence[HitPayload], unretrieved: int
    ) -> FacetCounts:
        """Count the facets that a request asks for.

        Args:
            request: which facets, and how.
            retrieval: what was looked for.
            payloads: of the candidates.
            unretrieved: how many products match beyond the candidates, where they were counted.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        requested = list(dict.fromkeys((*request.facets, *request.facet_ranges)))
        widened = _widened_filters(requested, retrieval.filters, request.fixed_filters) if request.multi_select else {}
        tally = FacetTally([field for field in requested if field not in widened], request.facet_ranges)
        complete = True
        if len(requested) > len(widened):
            complete = await self._tally(tally, retrieval, payloads, unretrieved)
        counts = tally.facets()
        for field, filters in widened.items():
            tally = FacetTally([field], request.facet_ranges)
            complete &= await self._count_retrieved(tally, request, replace(retrieval, filters=filters))
            counts |= tally.facets()
        return FacetCounts({field: counts[field] for field in requested}, complete)

    async def _count_retrieved(self, tally: FacetTally, request: SearchRequest, retrieval: RetrievalQuery) -> bool:
        retrieved = await self._retriever.retrieve(retrieval)
        payloads = [read_payload(item) for item in retrieved.items if item.product_id != request.product_id]
        return await self._tally(tally, retrieval, payloads, retrieved.unretrieved_count) and (
            retrieved.unretrieved_count > 0 or not retrieved.is_truncated
        )

    async def _tally(
        self, tally: FacetTally, retrieval: RetrievalQuery, payloads: Sequence[HitPayload], unretrieved: int
    ) -> bool:
        """Count candidates, or everything; whether that is all there is beyond what a query's limit cuts."""
        if not unretrieved or len(payloads) + unretrieved > MAX_COUNTED_PRODUCTS:
            await _add_in_steps(tally, payloads)
            return not unretrieved
        async for page in self._pages(retrieval.filters):
            await _add_in_steps(tally, page)
        return True

    async def _pages(self, filters: Filters) -> AsyncIterator[Iterable[HitPayload]]:
        """All products that pass, by id."""
        after = ""
        while rows := await self._store.browse((*filters, IdAfter(after)), PAGE_SIZE):
            yield (decode_hit_payload(row.payload) for row in rows)
            after = rows[-1].product_id


async def _add_in_steps(tally: FacetTally, payloads: Iterable[HitPayload]) -> None:
    """Count products in small steps, so that other queries go on meanwhile."""
    step: list[HitPayload] = []
    for payload in payloads:
        step.append(payload)
        if len(step) >= _STEP:
            tally.add(step)
            step.clear()
            await asyncio.sleep(0)
    tally.add(step)


def _widened_filters(fields: Iterable[str], filters: Filters, fixed: Filters) -> dict[str, Filters]:
    """By each field that is filtered, the filters without its own; those that are fixed stay."""
    remaining = {field: _without_field(filters, field, fixed) for field in fields}
    return {field: rest for field, rest in remaining.items() if len(rest) < len(filters)}


def _without_field(filters: Filters, field: str, fixed: Filters) -> Filters:
    return tuple(one for one in filters if one in fixed or getattr(one, "field", None) != field)
