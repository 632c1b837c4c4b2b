"""Where one product stands in a search, or why it is not in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from encoders.spec import FloatArray
from indexer.ports import ProductStore
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
from query_api.explaining.product_position import ProductPosition, locate_product, position_reason
from query_api.retrieval.candidate_set import RetrievalQuery, ScoredCandidate
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.ranking import rank_candidates
from query_api.search.response_builder import IndexStatus
from query_api.search.results import RankedResults
from query_api.search.score_parts import ScoreExplainer
from query_api.search.searcher import Searcher

Places = tuple[Place | None, Place | None, Place | None]
"""Of the product, of the last hit of the page that was asked for, of the last hit of all."""


class ProductExplainer:
    """Explains single products; nothing that it says comes from the cache."""

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
        """Say where a product stands in a search, or why it is not in it; one that is not known is no error.

        Raises:
            InvalidRequest: what is searched with cannot be.
            StoreUnavailable: the product store does not answer.
            EncoderBusy: the encoder does not.
        """
        answer, found = await asyncio.gather(
            self._searcher.rank(request, use_cache=False), self._store.read([product_id])
        )
        product = found.get(product_id)
        if not any(one.candidate.product_id == product_id for one in answer.ranked):
            answer = await self._extend_browse(answer)
        gone = _unavailable_reason(request, product_id, product)
        standing = locate_product(answer, product_id, None if gone else await self._score_alone(answer, product_id))
        places = await self._places(standing)
        reasons = [gone] if gone else list(_reasons(standing, places, product_id, product))
        return ProductExplanation(
            product_id=product_id,
            verdict=reasons[0].kind if reasons else "shown",  # pyright: ignore[reportArgumentType]
            reasons=reasons,
            notes=list(self._notes(answer, None if gone else product, {one.kind for one in reasons})),
            place=None if gone else places[0],
            hit=places[1],
            last=places[2],
            total=len(answer.ranked) + answer.unretrieved_count,
            indexed=indexed_state(product[0]) if product else None,
            generation=self._index.generation,
            index_age_ms=self._index.age_ms(),
        )

    async def _extend_browse(self, results: RankedResults) -> RankedResults:
        """Results of a browse that hold as many products as there can be pages of: their order tells their ranks."""
        retrieval, limit = results.retrieval, self._retriever.limits.browse
        if retrieval is None or results.scoring is None or not retrieval.is_browse or not results.unretrieved_count:
            return results
        candidates = await self._retriever.retrieve(replace(retrieval, browse_limit=limit))
        return replace(
            results,
            ranked=rank_candidates(candidates.items, results.scoring),
            is_truncated=candidates.is_truncated,
            unretrieved_count=candidates.unretrieved_count,
        )

    async def _score_alone(self, results: RankedResults, product_id: str) -> ScoredCandidate | None:
        """The exact scores of a product that the search did not find, filters apart; None: there are none."""
        if results.retrieval is None or any(hit.candidate.product_id == product_id for hit in results.ranked):
            return None
        return await self._retriever.score_product(results.retrieval, product_id)

    async def _places(self, standing: ProductPosition) -> Places:
        hits = standing.product, standing.last_page_hit, standing.last_hit
        distinct = {one.candidate.product_id: one for one in hits if one is not None}
        explained = await self._scores.explain(_retrieval_of(standing.results), list(distinct.values()))
        own, hit, last = (standing.place_of(one, explained) for one in hits)
        return own, hit, last

    def _notes(
        self, answer: RankedResults, product: tuple[StoredProduct, FloatArray] | None, told: set[str]
    ) -> Iterator[Reason]:
        if product is not None:
            found = product_notes(self._scores.spec, _retrieval_of(answer), *product)
            yield from (one for one in found if one.kind not in told)
        if answer.transcript is not None and answer.retrieval is not None:
            yield transcript_note(answer.transcript)
        if answer.parsed is not None:
            yield from parsed_query_notes(answer.parsed, answer.request)
        # What was not heard has been told already, and is no server's fault.
        if without := [one for one in answer.degraded if one != "audio"]:
            detail = f"the search was done without {', '.join(without)}: a server did not answer"
            yield Reason("degraded", detail, {"degraded": without})
        if stale := staleness_note(self._index.age_ms()):
            yield stale


def _unavailable_reason(
    request: SearchRequest, product_id: str, product: tuple[StoredProduct, FloatArray] | None
) -> Reason | None:
    if any(part.product_id == product_id for part in request.all_parts):
        return Reason("asked_with", "it is the product that is searched with, which is left out")
    return absence_reason(product_id, product[0] if product else None)


def _reasons(
    standing: ProductPosition, places: Places, product_id: str, product: tuple[StoredProduct, FloatArray] | None
) -> Iterator[Reason]:
    """Why a product that is searchable is not on the page that was asked for."""
    if standing.results.retrieval is None:
        yield not_understood_reason(standing.results.transcript)
        return
    retrieval = standing.results.retrieval
    assert product is not None
    stored, vector = product
    own, hit, last = places
    rejected = filter_rejections(product_id, stored, vector, retrieval.filters)
    if rejected:
        yield from rejected
    elif own is None:
        yield no_shared_words_reason(retrieval.text or "", stored.text_fields)
    elif reason := position_reason(standing, own, hit, last):
        yield reason


def _retrieval_of(answer: RankedResults) -> RetrievalQuery:
    return answer.retrieval or RetrievalQuery(None, None)
