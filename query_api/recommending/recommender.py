"""What a shopper might like, with no query."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from indexer.criteria import Filters, Ids, SortOrder
from indexer.errors import StoreUnavailable
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.personalisation.shopper_profiles import ShopperProfile, ShopperProfiles
from query_api.recommending.taste_vectors import TasteVectors
from query_api.retrieval.candidate_set import RetrievalQuery, ScoredCandidate
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.inputs import request_filters
from query_api.search.ranking import RankedCandidate, RankWeights, Scoring, rank_candidates, read_payload
from query_api.search.response_builder import ResponseBuilder
from query_api.search.results import RankedResults

POPULAR_LIMIT = 1_000
_BEST_RATED = SortOrder("rating", descending=True)


class Recommender:
    """Recommends products."""

    def __init__(
        self,
        profiles: ShopperProfiles,
        retriever: Retriever,
        tastes: TasteVectors,
        responses: ResponseBuilder,
        personal_weight: float,
    ) -> None:
        """Args: personal_weight: what a shopper's taste adds to similarity."""
        self._profiles = profiles
        self._retriever = retriever
        self._tastes = tastes
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
        ranked = rank_candidates(candidates.items, scoring)
        # What they know already comes after what they do not.
        unknown_first = sorted(ranked, key=lambda hit: hit.candidate.product_id in profile.product_weights)
        return RankedResults(
            request, unknown_first, retrieval, scoring, candidates.is_truncated, degraded=profile.degraded
        )

    async def _rank_popular(self, request: SearchRequest, filters: Filters, degraded: tuple[str, ...]) -> RankedResults:
        retrieval = RetrievalQuery(None, None, filters, _BEST_RATED)
        candidates = await self._retriever.retrieve(retrieval)
        try:
            popular = await self._profiles.popular_products(POPULAR_LIMIT)
        except StoreUnavailable:
            popular, degraded = [], ("personalisation",)
        more: list[ScoredCandidate] = []
        missing = set(popular).difference(item.product_id for item in candidates.items)
        if missing and candidates.is_truncated:
            more = await self._retriever.browse((*filters, Ids(tuple(missing))), len(missing))
        return RankedResults(
            request,
            _by_popularity([*candidates.items, *more], {product_id: at for at, product_id in enumerate(popular)}),
            retrieval,
            scoring=None,
            is_truncated=candidates.is_truncated,
            unretrieved_count=max(0, candidates.unretrieved_count - len(more)),
            degraded=degraded,
        )


def _by_popularity(candidates: Sequence[ScoredCandidate], ranks: Mapping[str, int]) -> list[RankedCandidate]:
    """Candidates by popularity, then rating, then age; without scores.

    Args:
        ranks: of popular products by product id, 0 for the most popular.
    """

    def order(candidate: ScoredCandidate) -> tuple[int, float, int, str]:
        payload, rank = read_payload(candidate), ranks.get(candidate.product_id, POPULAR_LIMIT)
        return rank, -(payload.rating or 0.0), -(payload.created_at_ms or 0), candidate.product_id

    return [RankedCandidate(candidate, 0.0, 0.0, 0.0, 0.0) for candidate in sorted(candidates, key=order)]
