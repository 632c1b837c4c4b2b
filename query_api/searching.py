"""A search from request to response."""

from __future__ import annotations

import asyncio

from indexer.errors import StoreUnavailable
from query_api.answers import Answer, Responder
from query_api.candidates import CandidateFinder, CandidateQuery, Found
from query_api.inputs import InputReader, Inputs, asked_products
from query_api.query_vectors import QueryVectors
from query_api.ranking import RankWeights, rank, read_card
from query_api.requests import SearchRequest
from query_api.reranking import Reranker
from query_api.responses import SearchResponse
from query_api.services import Services
from query_api.shoppers import Shopper, Shoppers
from query_api.understanding.reader import QueryReader


class Searcher:
    """Answers searches."""

    def __init__(
        self,
        services: Services,
        vectors: QueryVectors,
        finder: CandidateFinder,
        shoppers: Shoppers,
        responder: Responder,
    ) -> None:
        self._services = services
        self._vectors = vectors
        self._finder = finder
        self._shoppers = shoppers
        self._responder = responder
        self.reader = QueryReader.over(services)
        """What it knows of words gets fresh while it runs."""
        self._reranker = Reranker(services)
        self._inputs = InputReader(services, vectors, self.reader)

    async def search(self, request: SearchRequest, use_cache: bool = True) -> SearchResponse:
        """Answer a search. Raises what `answer` raises."""
        return await self._responder.respond(await self.answer(request, use_cache))

    async def answer(self, request: SearchRequest, use_cache: bool = True) -> Answer:
        """All candidates of a search, ranked.

        Raises:
            InvalidRequest: a filter, the picture or the product cannot be searched with.
            StoreUnavailable: the product store does not answer.
            EncoderBusy: the encoder does not.
        """
        answer = Answer(request, [], read_card, None, False)
        inputs, asked = await self._inputs.read(request), asked_products(request)
        answer.reading, answer.heard = inputs.reading, inputs.heard
        unheard = ["audio"] if inputs.heard and inputs.heard.why_not else []
        if inputs.is_lost:
            # Showing everything would be the answer to another question.
            answer.degraded = unheard
            return answer
        found, (shopper, degraded) = await asyncio.gather(
            self._found(inputs, asked, use_cache), self._shopper(request.user_id, self._personal_weight(request))
        )
        answer.retrieval = inputs.retrieval(found.vector)
        self._rank(answer, found, asked, shopper)
        answer.degraded = [*found.degraded, *degraded, *unheard, *await self._reranker.rerank(answer)]
        return answer

    async def similar(self, request: SearchRequest) -> SearchResponse:
        """Answer with products like `request.product_id`. Raises `ProductNotFound` and what `search` raises."""
        await self._vectors.of_product(request.product_id or "")
        return await self.search(request)

    async def _found(self, inputs: Inputs, asked: set[str], use_cache: bool) -> Found:
        key = inputs.key(self._services.generation, self._services.encoder.spec.key) if use_cache else None
        query = CandidateQuery(
            key=key,
            retrieval=inputs.retrieval(None),
            vector=(lambda: self._vectors.embed(inputs.embedded, inputs.weights)) if inputs.embedded else None,
            product_ids=frozenset(asked),
        )
        return await self._finder.find(query)

    async def _shopper(self, user_id: str | None, weight: float) -> tuple[Shopper | None, list[str]]:
        """The shopper, if their taste counts; and what is degraded."""
        if user_id is None or not weight:
            return None, []
        try:
            return await self._shoppers.shopper(user_id), []
        except StoreUnavailable:
            return None, ["personalisation"]

    def _rank(self, answer: Answer, found: Found, asked: set[str], shopper: Shopper | None) -> None:
        request = answer.request
        answer.weights = RankWeights(
            _or_default(request.weights.lexical, 1.0 if request.mode == "lexical" else self._services.config.lexical),
            self._personal_weight(request),
        )
        items = [one for one in found.candidates.items if one.product_id not in asked]
        answer.taste = shopper.taste if shopper else None
        answer.ranked = rank(items, answer.weights, answer.taste, answer.cards)
        answer.vector, answer.cut, answer.cache = found.vector, found.candidates.cut, found.cache
        answer.unseen = found.candidates.unseen

    def _personal_weight(self, request: SearchRequest) -> float:
        return _or_default(request.weights.personal, self._services.config.personal)


def _or_default(own: float | None, default: float) -> float:
    return default if own is None else own
