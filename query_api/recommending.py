"""What a shopper might like, with no query."""

from __future__ import annotations

import numpy as np

from encoders.spec import FloatArray, PartWeights, query_vector, split, unit
from indexer.criteria import Filters, Ids, Order
from indexer.errors import StoreUnavailable
from query_api.answers import Answer, Responder
from query_api.inputs import read_filters
from query_api.ranking import Ranked, RankWeights, rank, read_card
from query_api.requests import SearchRequest
from query_api.responses import SearchResponse
from query_api.retrieval import Depth, Retrieval, Scored, retrieve
from query_api.services import Services
from query_api.shoppers import Shopper, Shoppers

TASTE_PRODUCTS = 50
"""How many of the products that a shopper interacted with make up the taste vector, those that say most."""
POPULAR = 1_000
_RATED = Order("rating", descending=True)


class Recommender:
    """Recommends products."""

    def __init__(self, services: Services, shoppers: Shoppers, responder: Responder) -> None:
        self._services = services
        self._shoppers = shoppers
        self._responder = responder
        self._depth = Depth(services.config.candidates, services.config.browse_candidates)

    async def recommend(self, request: SearchRequest) -> SearchResponse:
        """Products near those that the shopper liked; for an unknown one, what is popular, then well rated and new.

        Raises:
            InvalidRequest: a filter cannot be applied.
            StoreUnavailable: the product store does not answer.
        """
        answer = Answer(request, [], read_card, None, False)
        filters = read_filters(request.filters)
        try:
            shopper = await self._shoppers.shopper(request.user_id or "")
        except StoreUnavailable:
            shopper, answer.degraded = Shopper(), ["personalisation"]
        answer.vector = await self._taste_vector(shopper)
        if answer.vector is None:
            await self._popular(answer, filters)
        else:
            await self._near(answer, filters, shopper)
        return await self._responder.respond(answer)

    async def _near(self, answer: Answer, filters: Filters, shopper: Shopper) -> None:
        answer.retrieval = Retrieval(answer.vector, None, filters)
        found = await retrieve(self._services.store, answer.retrieval, self._depth)
        weights = RankWeights(0.0, self._services.config.personal)
        ranked = rank(found.items, weights, shopper.taste, answer.cards)
        # What they know already comes after what they do not.
        answer.ranked = sorted(ranked, key=lambda one: one.scored.product_id in shopper.weights)
        answer.cut = found.cut

    async def _popular(self, answer: Answer, filters: Filters) -> None:
        answer.retrieval = Retrieval(None, None, filters, _RATED)
        found = await retrieve(self._services.store, answer.retrieval, self._depth)
        places = await self._places(answer)
        missing = set(places) - {one.product_id for one in found.items} if found.cut else set()
        more = await self._browse((*filters, Ids(tuple(missing))), len(missing)) if missing else []

        def order(one: Scored) -> tuple[int, float, int, str]:
            card = answer.cards(one)
            place = places.get(one.product_id, POPULAR)
            return place, -(card.rating or 0.0), -(card.created_at_ms or 0), one.product_id

        answer.ranked = [Ranked(one, 0.0, 0.0, 0.0, 0.0) for one in sorted([*found.items, *more], key=order)]
        answer.cut, answer.unseen = found.cut, max(0, found.unseen - len(more))

    async def _places(self, answer: Answer) -> dict[str, int]:
        """Places by popularity; none while Redis is away."""
        try:
            return {product_id: place for place, product_id in enumerate(await self._shoppers.popular(POPULAR))}
        except StoreUnavailable:
            answer.degraded = ["personalisation"]
            return {}

    async def _browse(self, filters: Filters, limit: int) -> list[Scored]:
        found = await self._services.store.browse(filters, limit)
        return [Scored(one.product_id, 0.0, 0.0, one.card) for one in found]

    async def _taste_vector(self, shopper: Shopper) -> FloatArray | None:
        """Query vector (2·dim,) of the weighted mean of the products liked; None when none of them has a vector."""
        weights = dict(sorted(shopper.weights.items(), key=lambda pair: -pair[1])[:TASTE_PRODUCTS])
        if not weights:
            return None
        spec = self._services.encoder.spec
        stored = await self._services.store.read(list(weights))
        liked = [(weights[product_id], split(spec, vector)) for product_id, (_, vector) in stored.items()]
        text, image = (_weighted_mean([(weight, parts[side]) for weight, parts in liked]) for side in (0, 1))
        if text is None and image is None:
            return None
        config = self._services.config
        return query_vector(spec, text, image, PartWeights(config.mixed_query_text, config.mixed_query_image))


def _weighted_mean(parts: list[tuple[float, FloatArray]]) -> FloatArray | None:
    """Unit mean (d,) of weighted vectors (d,); None when nothing is left of it."""
    if not parts:
        return None
    weighted = np.stack([weight * part for weight, part in parts]).astype(np.float32)
    mean = unit(weighted.sum(axis=0, keepdims=True))[0]
    return mean if np.any(mean) else None
