"""A shopper's taste, learnt from their latest interactions at every query: a click counts in the next search."""

from __future__ import annotations

import itertools
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from encoders.tracing.spans import traced
from indexer.errors import StoreUnavailable
from indexer.hit_payload import HitPayload, decode_hit_payload
from indexer.ports.profiles import History, ProfileStore
from query_api.cards.card_table import CardTable
from query_api.circuit_breaker import CircuitBreaker
from query_api.kept_reads import KeptReads, TellsChanges
from query_api.personalisation.taste import NO_TASTE, Taste, interaction_weights, learn_taste
from query_api.shared_reads import SharedReads

PAYLOAD_TTL_S = 30.0
"""What a product's category or brand was this long ago is good enough to tell a taste by; who is told of changes keeps
it for longer."""
TOLD_LATELY_S = 1.0
"""Who was told of all changes until this long ago need not read what they keep anew."""
TASTE_TTL_S = 300.0
"""A taste that was learnt this long ago from the same interactions is good enough: it fades within days. Each is learnt
again after between half of it and all: their pages have to be ranked anew then, and not those of all shoppers at once.
"""
LOOK_S = 10.0
"""How often it is looked at whether what they interacted with is still the same, and so the taste."""
MAX_TASTES = 256
"""Shoppers whose tastes are kept, with their histories: some 100 KB each where those are full."""
MAX_CACHED_BYTES = 64 * 2**20
"""Memory for payloads, each counted with ten times its JSON and 600 bytes."""


@dataclass(frozen=True, slots=True)
class ShopperProfile:
    """What is known of a shopper at a query; by default nothing."""

    taste: Taste = NO_TASTE
    product_weights: Mapping[str, float] = field(default_factory=dict[str, float])
    """How much each product that they interacted with says of them."""
    degraded: tuple[str, ...] = ()
    """`personalisation` where Redis or the product store did not answer."""
    number: int = 0
    """Tells it from every other one that this process has learnt; 0: of somebody unknown."""


IMPERSONAL = ShopperProfile()
"""For queries that no taste orders."""


class PayloadCache:
    """The hit payloads of products that shoppers interacted with; the least recently read ones make room."""

    def __init__(
        self, cards: CardTable, clock: Callable[[], float] = time.monotonic, feed: TellsChanges | None = None
    ) -> None:
        """Args: feed: tells this and `cards` of changes; None: nobody does."""
        self._cards = cards
        self._clock = clock
        self._feed = feed
        self._kept = KeptReads(self._read, _payload_bytes, PAYLOAD_TTL_S, MAX_CACHED_BYTES, clock, feed)

    async def payloads(self, product_ids: Iterable[str]) -> dict[str, HitPayload]:
        """Payloads by product id, as of `PAYLOAD_TTL_S` ago or later; products that are not searchable are absent.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        read = await self._kept.get(product_ids)
        return {product_id: payload for product_id, (payload, _) in read.items()}

    async def _read(self, product_ids: Sequence[str]) -> dict[str, tuple[HitPayload, int]]:
        """With the length of each one's JSON."""
        is_told = self._feed is not None and self._feed.told_s > self._clock() - TOLD_LATELY_S
        cards = self._cards.open(is_current=is_told)
        gone = set(await cards.load(product_ids))
        packed = {one: cards.packed(one) for one in product_ids if one not in gone}
        return {one: (decode_hit_payload(payload), len(payload)) for one, payload in packed.items()}


def _payload_bytes(read: tuple[HitPayload, int] | None) -> int:
    return 600 + 10 * (0 if read is None else read[1])


class _Learnt(NamedTuple):
    """A profile, and what it was learnt from."""

    history: History
    expires_s: float
    look_s: float
    """When to look at the products again."""
    profile: ShopperProfile


class ShopperProfiles:
    """Reads shoppers' histories, and what is popular; without Redis, it does without."""

    def __init__(
        self,
        profiles: ProfileStore,
        circuit: CircuitBreaker,
        payloads: PayloadCache,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._profiles = profiles
        self._circuit = circuit
        self._payloads = payloads
        self._clock = clock
        self._learnt: OrderedDict[str, _Learnt] = OrderedDict()
        self._numbers = itertools.count(1)
        self._histories = SharedReads(self._read_histories)

    def ask(self, user_id: str) -> Awaitable[History]:
        """Begin to read a shopper's history for `load`, beside something else; it may be left unread."""
        return self._histories.ask(user_id)

    @traced("profile")
    async def load(self, user_id: str, asked: Awaitable[History] | None = None) -> ShopperProfile:
        """What is known of a shopper, of an unknown one nothing: now, or as of when it was `asked` for."""
        try:
            history = await (asked or self.ask(user_id))
            known = self._learnt.get(user_id)
            if known is not None and known.history == history and await self._is_still_true(user_id, known):
                return known.profile
            self._learnt.pop(user_id, None)
            return await self._learn(user_id, history) if history else IMPERSONAL
        except StoreUnavailable:
            return ShopperProfile(degraded=("personalisation",))

    async def aclose(self) -> None:
        """End the reading of histories that is under way."""
        await self._histories.aclose()

    async def _read_histories(self, user_ids: Sequence[str]) -> Sequence[History]:
        return await self._circuit.call(lambda: self._profiles.histories(user_ids))

    async def _is_still_true(self, user_id: str, known: _Learnt) -> bool:
        """Whether the taste has hardly faded, and its products are as they were: if so, that is good for a while."""
        now_s, weights = self._clock(), known.profile.product_weights
        if now_s < known.look_s:
            return True
        if now_s >= known.expires_s:
            return False
        if learn_taste(weights, await self._payloads.payloads(weights)) != known.profile.taste:
            return False
        if self._learnt.get(user_id) is known:
            self._learnt[user_id] = known._replace(look_s=min(now_s + LOOK_S, known.expires_s))
        return True

    async def _learn(self, user_id: str, history: History) -> ShopperProfile:
        weights = interaction_weights(history.interactions(), int(time.time() * 1000))
        taste = learn_taste(weights, await self._payloads.payloads(weights))
        profile = ShopperProfile(taste, weights, number=next(self._numbers))
        now_s = self._clock()
        expires_s = now_s + TASTE_TTL_S * random.uniform(0.5, 1.0)
        self._learnt[user_id] = _Learnt(history, expires_s, now_s + LOOK_S, profile)
        while len(self._learnt) > MAX_TASTES:
            self._learnt.popitem(last=False)
        return profile

    async def popular_products(self, limit: int) -> list[str]:
        """The ids of the products that most shoppers interact with, the most popular first.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        return await self._circuit.call(lambda: self._profiles.popular(limit))
