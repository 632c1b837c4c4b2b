"""What a shopper might like by their taste, and what is popular."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from itertools import islice

import numpy as np

from indexer.criteria import Filters, Ids, SortOrder
from indexer.errors import StoreUnavailable
from query_api.cards.card_table import AnswerCards
from query_api.contract.requests import SearchRequest
from query_api.personalisation.shopper_profiles import ShopperProfile, ShopperProfiles
from query_api.recommending.taste_vectors import TasteVectors
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.ranking import Order, Ranking, RankWeights, Scoring, in_order, rank_candidates
from query_api.search.results import RankedResults, Reason, with_cards

POPULAR_LIMIT = 1_000
NEAREST = 200
"""How many of the products that are nearest to a taste are mixed with what others did."""
_BEST_RATED = SortOrder("rating", descending=True)


class TasteRanking:
    """Ranks products for a shopper. Every method raises `StoreUnavailable` when the product store does not answer."""

    def __init__(
        self,
        profiles: ShopperProfiles,
        retriever: Retriever,
        tastes: TasteVectors,
        personal_weight: float,
    ) -> None:
        """Args: personal_weight: what a taste adds to similarity."""
        self._profiles = profiles
        self._retriever = retriever
        self._tastes = tastes
        self._personal_weight = personal_weight

    async def rank_near_taste(
        self, request: SearchRequest, filters: Filters, profile: ShopperProfile, cards: AnswerCards
    ) -> RankedResults | None:
        """Products near those that the shopper liked, what they know last; None: nothing is known of them."""
        vector = await self._tastes.taste_vector(profile.product_weights)
        if vector is None:
            return None
        retrieval = RetrievalQuery(vector, None, filters)
        candidates = await self._retriever.retrieve(retrieval)
        scoring = Scoring(RankWeights(0.0, self._personal_weight), profile.taste)
        ranked = rank_candidates(await with_cards(candidates.items, cards), scoring, cards)
        # What they know already comes after what they do not.
        known = np.array([product_id in profile.product_weights for product_id in ranked.ids], bool)
        unknown_first = ranked.reordered(np.argsort(known, kind="stable"))
        return RankedResults(
            request, unknown_first, retrieval, scoring, cards, candidates.is_truncated, degraded=profile.degraded
        )

    async def rank_popular(
        self, request: SearchRequest, filters: Filters, degraded: tuple[str, ...], cards: AnswerCards, wording: str
    ) -> RankedResults:
        """What is popular, then what is well rated, then what is new.

        Args:
            wording: why a popular product is recommended.
        """
        retrieval = RetrievalQuery(None, None, filters, _BEST_RATED)
        candidates = await self._retriever.retrieve(retrieval)
        try:
            popular = await self._profiles.popular_products(POPULAR_LIMIT)
        except StoreUnavailable:
            popular, degraded = [], ("personalisation",)
        items, known_popular = candidates.items, set(popular)
        missing = known_popular.difference(items.ids)
        if missing and candidates.is_truncated:
            items = items.joined(await self._retriever.browse((*filters, Ids(tuple(missing))), len(missing)))
        found = await with_cards(items, cards)

        async def reasons_of(product_ids: Sequence[str]) -> Mapping[str, Reason]:
            return {one: Reason(wording, None) for one in product_ids if one in known_popular}

        return RankedResults(
            request,
            in_order(found, _by_popularity(found.ids, popular, cards)),
            retrieval,
            scoring=None,
            cards=cards,
            is_truncated=candidates.is_truncated,
            unretrieved_count=max(0, candidates.unretrieved_count - (len(items) - len(candidates.items))),
            degraded=degraded,
            reasons_of=reasons_of,
        )


def nearest(ranked: Ranking, known: Container[str]) -> dict[str, float]:
    """The best of a ranking that are not known, by how much each is better than the last of them, by product id."""
    in_order: list[float] = ranked.score[ranked.order].tolist()
    all_unknown = ((one, score) for one, score in zip(ranked.ids, in_order, strict=True) if one not in known)
    unknown = list(islice(all_unknown, NEAREST))
    last = min((score for _, score in unknown), default=0.0)
    return {product_id: score - last for product_id, score in unknown if score > last}


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
