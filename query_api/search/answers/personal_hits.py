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
from query_api.search.impression_log import ImpressionLog
from query_api.search.learnt_ranking import Asked, LearntRanking
from query_api.search.ranking import RankWeights, Scoring, rank_by_scores
from query_api.search.response_builder import to_hit


class PersonalHits:
    """Orders what is kept of a search by a shopper's taste, as it is at this moment."""

    def __init__(
        self, profiles: ShopperProfiles, cards: CardTable, learnt: LearntRanking, impressions: ImpressionLog
    ) -> None:
        """Args: cards: told of every change that requests have to know of."""
        self._profiles = profiles
        self._cards = cards
        self._learnt = learnt
        self._impressions = impressions

    def ask(self, user_id: str) -> Awaitable[History]:
        """Begin to read a shopper's history for `profile`; it may be left unread."""
        return self._profiles.ask(user_id)

    async def profile(self, user_id: str, history: Awaitable[History] | None) -> ShopperProfile:
        """What is known of a shopper now, or as of when their history was asked for."""
        return await self._profiles.load(user_id, history)

    async def hits(
        self, request: SearchRequest, weights: RankWeights, profile: ShopperProfile, kept: ForTastes
    ) -> tuple[list[Hit], bytes] | None:
        """The hits of the requested page, and what is remembered of it.

        Args:
            request: by relevance.
            weights: the request's.
            profile: the shopper's.
            kept: what the order is made of.

        Returns:
            None where it takes more than what is kept: a card cannot be read, or a product has gone.
        """
        last, cards = request.offset + request.k, self._cards.open(is_current=True)
        scoring, asked = (
            Scoring(weights, profile.taste, asked_for=kept.asked_for, unwanted=kept.unwanted),
            Asked(kept.first, kept.first_hits, profile, request.user_id),
        )
        ranked = rank_by_scores(kept.items, scoring, kept.products, best=max(last, self._learnt.depth))
        try:
            ranked = await self._learnt.reorder(ranked, asked, cards)
            ranked = ranked.led_by(kept.asked_for).trailed_by(kept.unwanted)
            page = ranked[request.offset : last]
            if await cards.load(page.ids):
                return None
            shown = await self._learnt.shown(ranked, page.ids, asked, cards) if self._impressions.is_on else b""
        except StoreUnavailable:
            return None
        return [to_hit(hit, cards) for hit in page], shown
