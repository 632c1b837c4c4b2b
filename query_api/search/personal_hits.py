"""Hits of a kept search in a shopper's order."""

from __future__ import annotations

from collections.abc import Awaitable

from indexer.errors import StoreUnavailable
from indexer.ports.profiles import History
from query_api.cache.live_entry import ForTastes
from query_api.cards.card_table import CardTable
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import Hit
from query_api.personalisation.shopper_profiles import ShopperProfile, ShopperProfiles
from query_api.search.ranking import Scoring, rank_by_scores
from query_api.search.response_builder import to_hit


class PersonalHits:
    """Orders what is kept of a search by a shopper's taste, as it is at this moment."""

    def __init__(self, profiles: ShopperProfiles, cards: CardTable) -> None:
        """Args: cards: told of every change that requests have to know of."""
        self._profiles = profiles
        self._cards = cards

    def ask(self, user_id: str) -> Awaitable[History]:
        """Begin to read a shopper's history for `profile`; it may be left unread."""
        return self._profiles.ask(user_id)

    async def profile(self, user_id: str, history: Awaitable[History] | None) -> ShopperProfile:
        """What is known of a shopper now, or as of when their history was asked for."""
        return await self._profiles.load(user_id, history)

    async def hits(self, request: SearchRequest, scoring: Scoring, kept: ForTastes) -> list[Hit] | None:
        """The hits of the requested page.

        Args:
            request: by relevance.
            scoring: the request's weights, and the shopper's taste.
            kept: what the order is made of.

        Returns:
            None where it takes more than what is kept: a card cannot be read, or a product has gone.
        """
        last = request.offset + request.k
        page = rank_by_scores(kept.items, scoring, kept.products, best=last)[request.offset :]
        cards = self._cards.open(is_current=True)
        try:
            gone = await cards.load(page.ids)
        except StoreUnavailable:
            return None
        return None if gone else [to_hit(hit, cards) for hit in page]
