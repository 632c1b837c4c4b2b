"""Hits of a kept search in a shopper's order."""

from __future__ import annotations

from indexer.errors import StoreUnavailable
from query_api.cache.live_entry import ForTastes
from query_api.cards.card_table import CardTable
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import Hit
from query_api.personalisation.shopper_profiles import ShopperProfiles
from query_api.search.ranking import RankWeights, Scoring, rank_by_scores
from query_api.search.response_builder import to_hit


class PersonalHits:
    """Orders what is kept of a search by a shopper's taste, as it is at this moment."""

    def __init__(self, profiles: ShopperProfiles, cards: CardTable) -> None:
        """Args: cards: told of every change that requests have to know of."""
        self._profiles = profiles
        self._cards = cards

    async def of(self, request: SearchRequest, weights: RankWeights, kept: ForTastes) -> list[Hit] | None:
        """The hits of the requested page.

        Args:
            request: with a shopper, by relevance.
            weights: of the request.
            kept: what the order is made of.

        Returns:
            None where it takes more than what is kept: the shopper's history or a card cannot be read, or a product
            has gone.
        """
        profile = await self._profiles.load(request.user_id or "")
        if profile.degraded:
            return None
        scoring, last = Scoring(weights, profile.taste), request.offset + request.k
        page = rank_by_scores(kept.items, scoring, kept.products, best=last)[request.offset :]
        cards = self._cards.open(is_current=True)
        try:
            gone = await cards.load(page.ids)
        except StoreUnavailable:
            return None
        return None if gone else [to_hit(hit, cards) for hit in page]
