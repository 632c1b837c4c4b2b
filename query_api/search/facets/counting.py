"""Which products facets are counted over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from indexer.criteria import Filters, IdAfter
from indexer.ports.products import ProductStore
from query_api.cards.card_table import AnswerCards, columns_in_steps
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import Facet
from query_api.relevance.query_floor import Floor
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.facets.facets import FacetTally
from query_api.search.kinds_asked_for import KindsAskedFor
from query_api.search.words_across_languages import WordsAcrossLanguages

PAGE_SIZE = 10_000
MAX_COUNTED_PRODUCTS = 200_000
"""Up to so many products without a query are counted one and all; with more, just the candidates are."""


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """Counts by field."""

    by_field: Mapping[str, Facet]
    is_complete: bool
    """Whether they were made from all products that match."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a search found."""

    ids: Sequence[str]
    unretrieved: int
    """How many products match beyond these, where they were counted."""


class FacetCounter:
    """Counts facets over the candidates of a search, or over more than those where the request takes more."""

    def __init__(self, store: ProductStore, retriever: Retriever) -> None:
        self._store = store
        self._retriever = retriever

    async def count(
        self,
        request: SearchRequest,
        retrieval: RetrievalQuery,
        candidates: Candidates,
        cards: AnswerCards,
        floor: Floor | None = None,
        across: WordsAcrossLanguages | None = None,
        kinds: KindsAskedFor | None = None,
    ) -> FacetCounts:
        """Count the facets that a request asks for.

        Args:
            request: which facets, and how.
            retrieval: what was looked for.
            candidates: what was found.
            cards: those of all of them.
            floor: what more candidates have to reach to match; None: nothing.
            across: the words that those in another language are given; None: none are.
            kinds: of which more candidates have to be; None: of any.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        requested = list(dict.fromkeys((*request.facets, *request.facet_ranges)))
        widened = _widened_filters(requested, retrieval.filters, request.fixed_filters) if request.multi_select else {}
        tally = FacetTally([field for field in requested if field not in widened], request.facet_ranges)
        complete = True
        if len(requested) > len(widened):
            complete = await self._tally(tally, retrieval, candidates, cards)
        counts = tally.facets()
        for field, filters in widened.items():
            tally = FacetTally([field], request.facet_ranges)
            widely = replace(retrieval, filters=filters)
            complete &= await self._count_retrieved(tally, request, widely, cards, floor, across, kinds)
            counts |= tally.facets()
        return FacetCounts({field: counts[field] for field in requested}, complete)

    async def _count_retrieved(
        self,
        tally: FacetTally,
        request: SearchRequest,
        retrieval: RetrievalQuery,
        cards: AnswerCards,
        floor: Floor | None,
        across: WordsAcrossLanguages | None,
        kinds: KindsAskedFor | None,
    ) -> bool:
        retrieved = await self._retriever.retrieve(retrieval)
        items = retrieved.items.without([request.product_id] if request.product_id else [])
        items = items if across is None else await across.given_to(items)
        items = items if floor is None else items.kept(floor.matching(items))
        items = items if kinds is None else items.kept(await kinds.among(items))
        items = items.without(await cards.load(items.ids))
        candidates = Candidates(items.ids, retrieved.unretrieved_count)
        return await self._tally(tally, retrieval, candidates, cards) and (
            retrieved.unretrieved_count > 0
            or not (retrieved.is_truncated if floor is None else floor.hides_matches(retrieved))
        )

    async def _tally(
        self, tally: FacetTally, retrieval: RetrievalQuery, candidates: Candidates, cards: AnswerCards
    ) -> bool:
        """Count candidates, or everything; whether that is all there is beyond what a query's limit cuts."""
        unretrieved = candidates.unretrieved
        if not unretrieved or len(candidates.ids) + unretrieved > MAX_COUNTED_PRODUCTS:
            tally.add(cards.columns(candidates.ids))
            return not unretrieved
        async for payloads in self._pages(retrieval.filters):
            async for step in columns_in_steps(payloads):
                tally.add(step)
        return True

    async def _pages(self, filters: Filters) -> AsyncIterator[Iterable[bytes]]:
        """The payloads of all products that pass, by id."""
        after = ""
        while rows := await self._store.scan_payloads((*filters, IdAfter(after)), PAGE_SIZE):
            yield rows.values()
            after = next(reversed(rows))


def _widened_filters(fields: Iterable[str], filters: Filters, fixed: Filters) -> dict[str, Filters]:
    """By each field that is filtered, the filters without its own; those that are fixed stay."""
    remaining = {field: _without_field(filters, field, fixed) for field in fields}
    return {field: rest for field, rest in remaining.items() if len(rest) < len(filters)}


def _without_field(filters: Filters, field: str, fixed: Filters) -> Filters:
    return tuple(one for one in filters if one in fixed or getattr(one, "field", None) != field)
