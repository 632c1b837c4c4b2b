"""What a shopper might like, with no query."""

from __future__ import annotations

import numpy as np

from encoders.spec import FloatArray, PartWeights, fused_query_vector, normalise_rows, split_parts
from indexer.criteria import Filters, Ids, SortOrder
from indexer.errors import StoreUnavailable
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.personalisation.shopper_profiles import ShopperProfile, ShopperProfiles
from query_api.ports import QueryPorts
from query_api.retrieval.hybrid_search import RetrievalLimits, RetrievalQuery, ScoredCandidate, retrieve
from query_api.search.planning import read_filters
from query_api.search.ranking import RankedCandidate, RankWeights, rank_candidates, read_payload
from query_api.search.response_builder import RankedResults, ResponseBuilder

MAX_TASTE_PRODUCTS = 50
"""How many of the products that a shopper interacted with make up the taste vector, those that say most."""
POPULAR_LIMIT = 1_000
_RATED = SortOrder("rating", descending=True)


class Recommender:
    """Recommends products."""

    def __init__(self, services: QueryPorts, shoppers: ShopperProfiles, responder: ResponseBuilder) -> None:
        self._services = services
        self._shoppers = shoppers
        self._responder = responder
        self._limits = RetrievalLimits(services.config.candidates, services.config.browse_candidates)

    async def recommend(self, request: SearchRequest) -> SearchResponse:
        """Products near those that the shopper liked; for an unknown one, what is popular, then well rated and new.

        Raises:
            InvalidRequest: a filter cannot be applied.
            StoreUnavailable: the product store does not answer.
        """
        answer = RankedResults(request, [], read_payload, None, False)
        filters = read_filters(request.filters)
        try:
            shopper = await self._shoppers.load(request.user_id or "")
        except StoreUnavailable:
            shopper, answer.degraded = ShopperProfile(), ["personalisation"]
        answer.query_vector = await self._taste_vector(shopper)
        if answer.query_vector is None:
            await self._rank_popular(answer, filters)
        else:
            await self._rank_near_taste(answer, filters, shopper)
        return await self._responder.build(answer)

    async def _rank_near_taste(self, answer: RankedResults, filters: Filters, shopper: ShopperProfile) -> None:
        answer.retrieval = RetrievalQuery(answer.query_vector, None, filters)
        found = await retrieve(self._services.store, answer.retrieval, self._limits)
        weights = RankWeights(0.0, self._services.config.personal)
        ranked = rank_candidates(found.items, weights, shopper.taste, answer.read_payload)
        # What they know already comes after what they do not.
        answer.ranked = sorted(ranked, key=lambda one: one.candidate.product_id in shopper.product_weights)
        answer.is_truncated = found.is_truncated

    async def _rank_popular(self, answer: RankedResults, filters: Filters) -> None:
        answer.retrieval = RetrievalQuery(None, None, filters, _RATED)
        found = await retrieve(self._services.store, answer.retrieval, self._limits)
        places = await self._popularity_ranks(answer)
        missing = set(places) - {one.product_id for one in found.items} if found.is_truncated else set()
        more = await self._browse((*filters, Ids(tuple(missing))), len(missing)) if missing else []

        def order(one: ScoredCandidate) -> tuple[int, float, int, str]:
            card = answer.read_payload(one)
            place = places.get(one.product_id, POPULAR_LIMIT)
            return place, -(card.rating or 0.0), -(card.created_at_ms or 0), one.product_id

        answer.ranked = [RankedCandidate(one, 0.0, 0.0, 0.0, 0.0) for one in sorted([*found.items, *more], key=order)]
        answer.is_truncated, answer.unretrieved_count = found.is_truncated, max(0, found.unretrieved_count - len(more))

    async def _popularity_ranks(self, answer: RankedResults) -> dict[str, int]:
        """Places by popularity; none while Redis is away."""
        try:
            return {
                product_id: place
                for place, product_id in enumerate(await self._shoppers.popular_products(POPULAR_LIMIT))
            }
        except StoreUnavailable:
            answer.degraded = ["personalisation"]
            return {}

    async def _browse(self, filters: Filters, limit: int) -> list[ScoredCandidate]:
        found = await self._services.store.browse(filters, limit)
        return [ScoredCandidate(one.product_id, 0.0, 0.0, one.payload) for one in found]

    async def _taste_vector(self, shopper: ShopperProfile) -> FloatArray | None:
        """Query vector (2·dim,) of the weighted mean of the products liked; None when none of them has a vector."""
        weights = dict(sorted(shopper.product_weights.items(), key=lambda pair: -pair[1])[:MAX_TASTE_PRODUCTS])
        if not weights:
            return None
        spec = self._services.encoder.spec
        stored = await self._services.store.read(list(weights))
        liked = [(weights[product_id], split_parts(spec, vector)) for product_id, (_, vector) in stored.items()]
        text, image = (_weighted_mean([(weight, parts[side]) for weight, parts in liked]) for side in (0, 1))
        if text is None and image is None:
            return None
        config = self._services.config
        return fused_query_vector(spec, text, image, PartWeights(config.mixed_query_text, config.mixed_query_image))


def _weighted_mean(parts: list[tuple[float, FloatArray]]) -> FloatArray | None:
    """Unit mean (d,) of weighted vectors (d,); None when nothing is left of it."""
    if not parts:
        return None
    weighted = np.stack([weight * part for weight, part in parts]).astype(np.float32)
    mean = normalise_rows(weighted.sum(axis=0, keepdims=True))[0]
    return mean if np.any(mean) else None
