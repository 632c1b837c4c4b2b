"""Where one product stands in a search, or why it is not in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from encoders.spec import FloatArray
from indexer.ports.products import ProductStore
from indexer.records import StoredProduct
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import Place, ProductExplanation, Reason
from query_api.explaining.evidence import (
    absence_reason,
    filter_rejections,
    indexed_state,
    no_shared_words_reason,
    not_understood_reason,
    parsed_query_notes,
    product_notes,
    staleness_note,
    transcript_note,
)
from query_api.explaining.product_position import (
    ProductPosition,
    below_the_floor_reason,
    locate_product,
    position_reason,
)
from query_api.retrieval.candidate_columns import ScoredCandidate
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.ranking import rank_candidates
from query_api.search.response_builder import IndexStatus
from query_api.search.results import RankedResults, with_cards
from query_api.search.score_parts import ScoreExplainer
from query_api.search.searcher import Searcher

Places = tuple[Place | None, Place | None, Place | None]
"""Those of the product, of the last hit of the requested page, and of the last hit of all pages."""


class ProductExplainer:
    """Explains where single products are in the results of a search; the candidate cache is not used."""

    def __init__(
        self,
        searcher: Searcher,
        retriever: Retriever,
        store: ProductStore,
        scores: ScoreExplainer,
        index: IndexStatus,
    ) -> None:
        self._searcher = searcher
        self._retriever = retriever
        self._store = store
        self._scores = scores
        self._index = index

    async def explain(self, request: SearchRequest, product_id: str) -> ProductExplanation:
        """Say where a product is in the results of a search, or why it is not there.

        A product that is not indexed is no error: that is the reason then.

        Raises:
            InvalidRequest: the search cannot be done as it is requested.
            StoreUnavailable: the product store does not answer.
            EncoderBusy: the encoder does not answer in time.
        """
        results, stored = await asyncio.gather(
            self._searcher.rank(request, use_cache=False), self._store.read([product_id])
        )
        product = stored.get(product_id)
        if product_id not in results.ranked.candidates.ids:
            results = await self._extend_browse(results)
        absence = _unavailable_reason(request, product_id, product)
        alone = None if absence else await self._score_alone(results, product_id)
        await results.cards.load(results.ranked.ids if alone is None else [*results.ranked.ids, product_id])
        position = locate_product(results, product_id, alone)
        places = await self._places(position)

        def reasons_and_notes() -> tuple[list[Reason], list[Reason]]:
            reasons = [absence] if absence else list(_reasons(position, places, product_id, product))
            kinds = {reason.kind for reason in reasons}
            return reasons, list(self._notes(results, None if absence else product, kinds))

        # Analysing a long product takes a while, and other queries wait for this thread.
        reasons, notes = await asyncio.to_thread(reasons_and_notes)
        return ProductExplanation(
            product_id=product_id,
            verdict=reasons[0].kind if reasons else "shown",  # pyright: ignore[reportArgumentType]
            reasons=reasons,
            notes=notes,
            place=None if absence else places[0],
            hit=places[1],
            last=places[2],
            total=len(results.ranked) + results.unretrieved_count,
            indexed=indexed_state(product[0]) if product else None,
            generation=self._index.generation,
            index_age_ms=self._index.age_ms(),
        )

    async def _extend_browse(self, results: RankedResults) -> RankedResults:
        """For a search without a query: the results again, with as many products as all of its pages can show.

        A search retrieves only what the requested page needs; the rank of a product on a later page needs them all.
        Other results are returned as they are.
        """
        retrieval, limit = results.retrieval, self._retriever.limits.browse
        if retrieval is None or results.scoring is None or not retrieval.is_browse or not results.unretrieved_count:
            return results
        candidates = await self._retriever.retrieve(replace(retrieval, browse_limit=limit))
        items = await with_cards(candidates.items, results.cards)
        return replace(
            results,
            ranked=rank_candidates(items, results.scoring, results.cards),
            is_truncated=candidates.is_truncated,
            unretrieved_count=candidates.unretrieved_count,
        )

    async def _score_alone(self, results: RankedResults, product_id: str) -> ScoredCandidate | None:
        """The exact scores of a product that is not among the results, as if it passed the filters.

        None: it is among them, or shares no word with a lexical search, or nothing was searched for.
        """
        if results.retrieval is None or product_id in results.ranked.candidates.ids:
            return None
        if product_id in results.below.ids:
            return results.below[results.below.ids.index(product_id)]
        return await self._retriever.score_product(results.retrieval, product_id)

    async def _places(self, position: ProductPosition) -> Places:
        hits = position.product, position.last_page_hit, position.last_hit
        distinct = {hit.candidate.product_id: hit for hit in hits if hit is not None}
        explained = await self._scores.explain(_retrieval_of(position.results), list(distinct.values()))
        own, last_on_page, last = (position.place_of(hit, explained) for hit in hits)
        return own, last_on_page, last

    def _notes(
        self, results: RankedResults, product: tuple[StoredProduct, FloatArray] | None, reason_kinds: set[str]
    ) -> Iterator[Reason]:
        """What else bears on the place of a product, apart from what is a reason already.

        Args:
            results: of the search.
            product: what is stored of it with its vector (2·dim,) float32; None: it can be in no results.
            reason_kinds: the kinds of the reasons.
        """
        if product is not None:
            notes = product_notes(self._scores.spec, _retrieval_of(results), *product)
            yield from (note for note in notes if note.kind not in reason_kinds)
        if results.transcript is not None and results.retrieval is not None:
            yield transcript_note(results.transcript)
        if results.parsed is not None:
            yield from parsed_query_notes(results.parsed, results.request)
        # `audio` says that speech was not understood: the transcript's note has it, and no server failed.
        if without := [part for part in results.degraded if part != "audio"]:
            detail = f"the search was done without {', '.join(without)}: a server did not answer"
            yield Reason("degraded", detail, {"degraded": without})
        if stale := staleness_note(self._index.age_ms()):
            yield stale


def _unavailable_reason(
    request: SearchRequest, product_id: str, product: tuple[StoredProduct, FloatArray] | None
) -> Reason | None:
    """Why a product can be in no results of this search; None when it can."""
    if any(part.product_id == product_id for part in request.all_parts):
        return Reason("asked_with", "it is the product that is searched with, which is left out")
    return absence_reason(product_id, product[0] if product else None)


def _reasons(
    position: ProductPosition, places: Places, product_id: str, product: tuple[StoredProduct, FloatArray] | None
) -> Iterator[Reason]:
    """Why a searchable product is not on the requested page; nothing when it is."""
    if position.results.retrieval is None:
        yield not_understood_reason(position.results.transcript)
        return
    retrieval = position.results.retrieval
    assert product is not None
    stored, vector = product
    own, last_on_page, last = places
    rejected = filter_rejections(product_id, stored, vector, retrieval.filters)
    if rejected:
        yield from rejected
    elif own is None:
        yield no_shared_words_reason(retrieval.text or "", stored.text_fields)
    elif (reason := below_the_floor_reason(position)) or (reason := position_reason(position, own, last_on_page, last)):
        yield reason


def _retrieval_of(results: RankedResults) -> RetrievalQuery:
    """What was searched for; an empty query if nothing was."""
    return results.retrieval or RetrievalQuery(None, None)
