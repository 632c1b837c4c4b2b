"""A shopper's taste, read from their latest interactions at every query, so that a click counts in the next search."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from indexer.criteria import Ids
from indexer.hit_payload import HitPayload, decode_hit_payload
from indexer.ports import Interaction, ProductStore
from query_api.circuit_breaker import CircuitBreaker
from query_api.personalisation.taste import Taste, interaction_weights, learn_taste
from query_api.ports import QueryPorts

PAYLOAD_TTL_S = 30.0
"""What a product's category or brand was this long ago is good enough to tell a taste by."""
MAX_CACHED_PAYLOADS = 20_000


@dataclass(frozen=True, slots=True)
class ShopperProfile:
    """What is known of a shopper at a query."""

    taste: Taste = field(default_factory=Taste)
    product_weights: dict[str, float] = field(default_factory=dict)
    """How much each product that they interacted with says of them."""


class PayloadCache:
    """The cards of products that shoppers interacted with; the least recently read ones make room."""

    def __init__(self, store: ProductStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, HitPayload | None]] = OrderedDict()

    async def payloads(self, product_ids: Iterable[str]) -> dict[str, HitPayload]:
        """Cards by product id, at most `PAYLOAD_TTL_S` old; products that are not searchable are absent."""
        wanted = list(product_ids)
        stale = tuple(one for one in wanted if self._kept.get(one, (0.0, None))[0] <= self._clock())
        if stale:
            await self._refresh(stale)
        found = {one: self._kept[one][1] for one in wanted if one in self._kept}
        return {product_id: card for product_id, card in found.items() if card is not None}

    async def _refresh(self, product_ids: Sequence[str]) -> None:
        found = {one.product_id: one.payload for one in await self._store.browse((Ids(tuple(product_ids)),), 10_000)}
        expires = self._clock() + PAYLOAD_TTL_S
        for product_id in product_ids:
            card = found.get(product_id)
            self._kept[product_id] = (expires, None if card is None else decode_hit_payload(card))
            self._kept.move_to_end(product_id)
        while len(self._kept) > max(MAX_CACHED_PAYLOADS, len(product_ids)):
            self._kept.popitem(last=False)


class ShopperProfiles:
    """Reads shoppers' histories."""

    def __init__(self, services: QueryPorts, redis: CircuitBreaker) -> None:
        self._profiles = services.profiles
        self._redis = redis
        self._payloads = PayloadCache(services.store)

    async def load(self, user_id: str) -> ShopperProfile:
        """A shopper as of now; an unknown one has no taste. Raises `StoreUnavailable`."""
        recent: list[Interaction] = await self._redis.call(lambda: self._profiles.recent(user_id))
        if not recent:
            return ShopperProfile()
        weights = interaction_weights(recent, int(time.time() * 1000))
        return ShopperProfile(learn_taste(weights, await self._payloads.payloads(weights)), weights)

    async def popular_products(self, limit: int) -> list[str]:
        """The products that most shoppers interact with. Raises `StoreUnavailable`."""
        return await self._redis.call(lambda: self._profiles.popular(limit))
