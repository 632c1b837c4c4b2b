"""A search from request to response."""

from __future__ import annotations

import asyncio

from indexer.errors import StoreUnavailable
from query_api.cache.cached_retrieval import CachedRetriever, CandidateRequest, RetrievedCandidates
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.embedding.query_vectors import QueryEmbedder
from query_api.personalisation.shopper_profiles import ShopperProfile, ShopperProfiles
from query_api.ports import QueryPorts
from query_api.search.planning import SearchPlan, SearchPlanner, query_product_ids
from query_api.search.ranking import RankWeights, rank_candidates, read_payload
from query_api.search.reranking import Reranker
from query_api.search.response_builder import RankedResults, ResponseBuilder
from query_api.understanding.parser import QueryParser


class Searcher:
    """Answers searches."""

    def __init__(
        self,
        services: QueryPorts,
        vectors: QueryEmbedder,
        finder: CachedRetriever,
        shoppers: ShopperProfiles,
        responder: ResponseBuilder,
    ) -> None:
        self._services = services
        self._embedder = vectors
        self._retriever = finder
        self._shoppers = shoppers
        self._response_builder = responder
        self.parser = QueryParser.over(services)
        """What it knows of words gets fresh while it runs."""
        self._reranker = Reranker(services)
        self._planner = SearchPlanner(services, vectors, self.parser)

    async def search(self, request: SearchRequest, use_cache: bool = True) -> SearchResponse:
        """Answer a search. Raises what `answer` raises."""
        return await self._response_builder.build(await self.rank(request, use_cache))

    async def rank(self, request: SearchRequest, use_cache: bool = True) -> RankedResults:
        """All candidates of a search, ranked.

        Raises:
            InvalidRequest: a filter, the picture or the product cannot be searched with.
            StoreUnavailable: the product store does not answer.
            EncoderBusy: the encoder does not.
        """
        answer = RankedResults(request, [], read_payload, None, False)
        inputs, asked = await self._planner.plan(request), query_product_ids(request)
        answer.parsed, answer.transcript = inputs.parsed, inputs.transcript
        unheard = ["audio"] if inputs.transcript and inputs.transcript.problem else []
        if inputs.is_not_understood:
            # Showing everything would be the answer to another question.
            answer.degraded = unheard
            return answer
        found, (shopper, degraded) = await asyncio.gather(
            self._retrieve(inputs, asked, use_cache),
            self._load_shopper(request.user_id, self._personal_weight(request)),
        )
        answer.retrieval = inputs.retrieval_query(found.query_vector)
        self._rank_candidates(answer, found, asked, shopper)
        answer.degraded = [*found.degraded, *degraded, *unheard, *await self._reranker.rerank(answer)]
        return answer

    async def similar(self, request: SearchRequest) -> SearchResponse:
        """Answer with products like `request.product_id`. Raises `ProductNotFound` and what `search` raises."""
        await self._embedder.product_vectors(request.product_id or "")
        return await self.search(request)

    async def _retrieve(self, inputs: SearchPlan, asked: set[str], use_cache: bool) -> RetrievedCandidates:
        key = inputs.cache_key(self._services.generation, self._services.encoder.spec.key) if use_cache else None
        query = CandidateRequest(
            cache_key=key,
            retrieval=inputs.retrieval_query(None),
            embed=(lambda: self._embedder.embed(inputs.embedded_parts, inputs.part_weights))
            if inputs.embedded_parts
            else None,
            query_product_ids=frozenset(asked),
        )
        return await self._retriever.retrieve(query)

    async def _load_shopper(self, user_id: str | None, weight: float) -> tuple[ShopperProfile | None, list[str]]:
        """The shopper, if their taste counts; and what is degraded."""
        if user_id is None or not weight:
            return None, []
        try:
            return await self._shoppers.load(user_id), []
        except StoreUnavailable:
            return None, ["personalisation"]

    def _rank_candidates(
        self, answer: RankedResults, found: RetrievedCandidates, asked: set[str], shopper: ShopperProfile | None
    ) -> None:
        request = answer.request
        answer.rank_weights = RankWeights(
            _or_default(request.weights.lexical, 1.0 if request.mode == "lexical" else self._services.config.lexical),
            self._personal_weight(request),
        )
        items = [one for one in found.candidates.items if one.product_id not in asked]
        answer.taste = shopper.taste if shopper else None
        answer.ranked = rank_candidates(items, answer.rank_weights, answer.taste, answer.read_payload)
        answer.query_vector, answer.is_truncated, answer.cache_state = (
            found.query_vector,
            found.candidates.is_truncated,
            found.cache_state,
        )
        answer.unretrieved_count = found.candidates.unretrieved_count

    def _personal_weight(self, request: SearchRequest) -> float:
        return _or_default(request.weights.personal, self._services.config.personal)


def _or_default(own: float | None, default: float) -> float:
    return default if own is None else own
