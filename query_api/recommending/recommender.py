"""What a shopper might like, with no query."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from indexer.criteria import Filters, Ids, SortOrder
from indexer.errors import StoreUnavailable
from query_api.cache.change_feed import ChangeFeed
from query_api.cards.card_table import AnswerCards, CardTable
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.personalisation.shopper_profiles import ShopperProfile, ShopperProfiles
from query_api.recommending.taste_vectors import TasteVectors
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.inputs import request_filters
from query_api.search.ranking import Order, RankWeights, Scoring, in_order, rank_candidates
from query_api.search.response_builder import ResponseBuilder
from query_api.search.results import RankedResults, with_cards

POPULAR_LIMIT = 1_000
_BEST_RATED = SortOrder("rating", descending=True)


class Recommender:
    """Recommends products."""

    def __init__(
        self,
        profiles: ShopperProfiles,
        retriever: Retriever,
        tastes: TasteVectors,
        cards: CardTable,
        feed: ChangeFeed | None,
        responses: ResponseBuilder,
        personal_weight: float,
    ) -> None:
        """Args: feed: tells `cards` of changes; None: none does. personal_weight: what a taste adds to similarity."""
        self._profiles = profiles
        self._retriever = retriever
        self._tastes = tastes
        self._cards = cards
        self._feed = feed
        self._responses = responses
        self._personal_weight = personal_weight

    async def recommend(self, request: SearchRequest) -> SearchResponse:
        """Products near those that the shopper liked; for an unknown one, what is popular, then well rated and new.

        Raises:
            InvalidRequest: a filter cannot be applied.
            StoreUnavailable: the product store does not answer.
        """
        started_s = time.perf_counter()
        filters = request_filters(request)
        profile = await self._profiles.load(request.user_id or "")
        vector = await self._tastes.taste_vector(profile.product_weights)
        if vector is None:
            results = await self._rank_popular(request, filters, profile.degraded)
        else:
            results = await self._rank_near_taste(request, RetrievalQuery(vector, None, filters), profile)
        return await self._responses.build(results, started_s)

    async def _rank_near_taste(
        self, request: SearchRequest, retrieval: RetrievalQuery, profile: ShopperProfile
    ) -> RankedResults:
        candidates = await self._retriever.retrieve(retrieval)
        scoring = Scoring(RankWeights(0.0, self._personal_weight), profile.taste)
        cards = await self._open_cards()
        ranked = rank_candidates(await with_cards(candidates.items, cards), scoring, cards)
        # What they know already comes after what they do not.
        known = np.array([product_id in profile.product_weights for product_id in ranked.ids], bool)
        unknown_first = ranked.reordered(np.argsort(known, kind="stable"))
        return RankedResults(
            request, unknown_first, retrieval, scoring, cards, candidates.is_truncated, degraded=profile.degraded
        )

    async def _open_cards(self) -> AnswerCards:
        try:
            if self._feed is not None:
                await self._feed.catch_up()
        except StoreUnavailable:
            return self._cards.open(is_current=False)
        return self._cards.open(is_current=self._feed is not None)

    async def _rank_popular(self, request: SearchRequest, filters: Filters, degraded: tuple[str, ...]) -> RankedResults:
        retrieval = RetrievalQuery(None, None, filters, _BEST_RATED)
        candidates = await self._retriever.retrieve(retrieval)
        try:
            popular = await self._profiles.popular_products(POPULAR_LIMIT)
        except StoreUnavailable:
            popular, degraded = [], ("personalisation",)
        items = candidates.items
        missing = set(popular).difference(items.ids)
        if missing and candidates.is_truncated:
            items = items.joined(await self._retriever.browse((*filters, Ids(tuple(missing))), len(missing)))
        cards = await self._open_cards()
        found = await with_cards(items, cards)
        return RankedResults(
            request,
            in_order(found, _by_popularity(found.ids, popular, cards)),
            retrieval,
            scoring=None,
            cards=cards,
            is_truncated=candidates.is_truncated,
            unretrieved_count=max(0, candidates.unretrieved_count - (len(items) - len(candidates.items))),
            degraded=degraded,
        )


def _by_popularity(product_ids: Sequence[str], popular: Sequence[str], cards: AnswerCards) -> Order:
    """The order of products by popularity, then rating, then age.

    Args:
        product_ids: ascending.
        popular: the most popular first.
        cards: those of all of them.
    """
    places = {product_id: at for at, product_id in enumerate(popular)}
    ranks = np.array([places.get(product_id, POPULAR_LIMIT) for product_id in product_ids], np.int64)
    numbers = cards.columns(product_ids).numbers
    rating, created_at = (-np.nan_to_num(numbers[name]) for name in ("rating", "created_at_ms"))
    return np.lexsort((created_at, rating, ranks))
