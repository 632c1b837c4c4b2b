"""A search from request to response."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from encoders.spec import FloatArray, PartWeights
from indexer.errors import InvalidFilter, StoreUnavailable
from indexer.filter_requests import parse_filters
from indexer.ports import AnyOf, Filters, Order
from query_api.answers import Answer, Responder
from query_api.browsing import browse_depth, browse_order
from query_api.cache import entry_key
from query_api.candidates import CandidateFinder, CandidateQuery, Found
from query_api.errors import InvalidRequest, ProductNotFound
from query_api.query_vectors import QueryVectors, part_weights, picture_hash
from query_api.ranking import RankWeights, rank, read_card
from query_api.requests import SearchRequest
from query_api.responses import SearchResponse
from query_api.retrieval import Retrieval
from query_api.services import Services
from query_api.shoppers import Shopper, Shoppers


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What the candidates of a search depend on."""

    embedded_text: str | None
    picture: bytes | None
    product_id: str | None
    parts: PartWeights
    lexical_text: str | None
    filters: Filters
    order: Order | None
    wanted: int
    """With no query: which products are looked at, and how many."""

    @property
    def has_vector(self) -> bool:
        return self.embedded_text is not None or self.picture is not None or self.product_id is not None

    def retrieval(self, vector: FloatArray | None) -> Retrieval:
        """What to look for, with its vector or before that is made."""
        return Retrieval(vector, self.lexical_text, self.filters, self.order, self.wanted)


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
        inputs = await self._inputs(request)
        found, (shopper, degraded) = await asyncio.gather(
            self._found(inputs, use_cache), self._shopper(request.user_id, self._personal_weight(request))
        )
        answer.retrieval = inputs.retrieval(found.vector)
        self._rank(answer, found, shopper)
        answer.degraded = [*found.degraded, *degraded]
        return answer

    async def similar(self, request: SearchRequest) -> SearchResponse:
        """Answer with products like `request.product_id`. Raises `ProductNotFound` and what `search` raises."""
        await self._vectors.of_product(request.product_id or "")
        return await self.search(request)

    async def _inputs(self, request: SearchRequest) -> _Inputs:
        filters = read_filters(request.filters)
        parts = part_weights(self._services.config, request)
        embeds = request.mode != "lexical" and (parts.text > 0 or parts.image > 0)
        lexical_weight = _or_default(request.weights.lexical, self._services.config.lexical)
        compares_words = request.mode == "lexical" or (request.mode == "hybrid" and lexical_weight > 0)
        picture = await self._vectors.picture(request)
        return _Inputs(
            request.text if embeds else None,
            picture if embeds else None,
            request.product_id if embeds else None,
            parts,
            request.text if compares_words else None,
            filters,
            browse_order(request.sort),
            browse_depth(request, self._services.config),
        )

    async def _found(self, inputs: _Inputs, use_cache: bool) -> Found:
        query = CandidateQuery(
            key=self._key(inputs) if use_cache else None,
            retrieval=inputs.retrieval(None),
            vector=(lambda: self._vector(inputs)) if inputs.has_vector else None,
            product_id=inputs.product_id,
        )
        return await self._finder.find(query)

    async def _vector(self, inputs: _Inputs) -> FloatArray:
        try:
            return await self._vectors.embed(inputs.embedded_text, inputs.picture, inputs.product_id, inputs.parts)
        except ProductNotFound as error:
            raise InvalidRequest("product_id", f"product_id: {error}") from error

    def _key(self, inputs: _Inputs) -> str:
        return entry_key(
            self._services.generation,
            self._services.encoder.spec.key,
            inputs.embedded_text,
            picture_hash(inputs.picture),
            inputs.product_id,
            [inputs.parts.text, inputs.parts.image] if inputs.has_vector else None,
            inputs.lexical_text,
            canonical_filters(inputs.filters),
            None if inputs.has_vector or inputs.lexical_text else inputs.order,
        )

    async def _shopper(self, user_id: str | None, weight: float) -> tuple[Shopper | None, list[str]]:
        """The shopper, if their taste counts; and what is degraded."""
        if user_id is None or not weight:
            return None, []
        try:
            return await self._shoppers.shopper(user_id), []
        except StoreUnavailable:
            return None, ["personalisation"]

    def _rank(self, answer: Answer, found: Found, shopper: Shopper | None) -> None:
        request = answer.request
        answer.weights = RankWeights(
            _or_default(request.weights.lexical, 1.0 if request.mode == "lexical" else self._services.config.lexical),
            self._personal_weight(request),
        )
        items = [one for one in found.candidates.items if one.product_id != request.product_id]
        answer.taste = shopper.taste if shopper else None
        answer.ranked = rank(items, answer.weights, answer.taste, answer.cards)
        answer.vector, answer.cut, answer.cache = found.vector, found.candidates.cut, found.cache
        answer.unseen = found.candidates.unseen

    def _personal_weight(self, request: SearchRequest) -> float:
        return _or_default(request.weights.personal, self._services.config.personal)


def read_filters(raw: Mapping[str, Any]) -> Filters:
    """The filters of a request. Raises `InvalidRequest` naming the field."""
    try:
        return parse_filters(raw)
    except InvalidFilter as error:
        raise InvalidRequest(str(error).partition(":")[0], str(error)) from error


def canonical_filters(filters: Filters) -> list[bytes]:
    """Filters in one writing, whatever the order in which a request names them and their values."""
    return sorted(
        msgspec.msgpack.encode([one.field, sorted(set(one.values))] if isinstance(one, AnyOf) else one)
        for one in filters
    )


def _or_default(own: float | None, default: float) -> float:
    return default if own is None else own
