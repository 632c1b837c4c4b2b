"""A search from request to response, stage by stage."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace

from indexer.errors import StoreUnavailable
from query_api.cache.change_feed import FeedPosition
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.errors import EncoderBusy
from query_api.experiments.running import RunningExperiment
from query_api.personalisation.shopper_profiles import IMPERSONAL, ShopperProfile, ShopperProfiles
from query_api.relevance.query_floor import AnyWord
from query_api.relevance.similarity_floors import SimilarityFloors
from query_api.retrieval.candidate_set import CandidateSet
from query_api.search.candidate_finder import CandidateFinder, RetrievedCandidates
from query_api.search.inputs import InputLoader
from query_api.search.learnt_ranking import LearntRanking
from query_api.search.planning import SearchPlanner
from query_api.search.reranking import Reranker
from query_api.search.response_builder import ResponseBuilder
from query_api.search.results import RankedResults, ResultRanker, hides_matches
from query_api.search.search_plan import SearchPlan


@dataclass(frozen=True, slots=True)
class SearchStages:
    """What a search goes through, in this order; candidates and the shopper's profile are looked for together."""

    inputs: InputLoader
    planner: SearchPlanner
    candidates: CandidateFinder
    floors: SimilarityFloors
    profiles: ShopperProfiles
    ranker: ResultRanker
    reranker: Reranker
    learnt: LearntRanking
    experiment: RunningExperiment


class Searcher:
    """Answers searches."""

    def __init__(self, stages: SearchStages, responses: ResponseBuilder) -> None:
        self._stages = stages
        self._responses = responses

    async def search(self, request: SearchRequest, use_cache: bool = True) -> SearchResponse:
        """One page of a search's hits. Raises what `rank` raises."""
        started_s = time.perf_counter()
        return await self._responses.build(await self.rank(request, use_cache), started_s)

    async def rank(
        self, request: SearchRequest, use_cache: bool = True, came: FeedPosition | None = None
    ) -> RankedResults:
        """All candidates of a search, ranked.

        Args:
            came: how far the change feed has caught up with the request; None: it has to yet.

        Raises:
            InvalidRequest: a filter, a picture, a sound, a clip or the product cannot be searched with.
            StoreUnavailable: the product store does not answer.
            EncoderBusy: the encoder does not.
        """
        inputs = await self._stages.inputs.load(self._stages.experiment.applied(request))
        plan = await self._stages.planner.plan(inputs)
        if plan.finds_nothing:
            return self._stages.ranker.nothing_found(plan)
        floors = self._stages.floors
        (retrieved, profile), unfiltered, words = await asyncio.gather(
            self._retrieve(plan, use_cache, came), self._unfiltered(plan, use_cache, came), floors.reach(plan.floor)
        )
        if plan.looks_beyond_filters and unfiltered is None and plan.words_implied:
            plan = replace(plan, words_implied=0.0)
            retrieved = replace(retrieved, degraded=tuple(dict.fromkeys((*retrieved.degraded, "lexical"))))
        without_words = retrieved.candidates.without_lexical
        floor = floors.floor(plan.floor, None if without_words else words, retrieved.query_vector)
        everything = unfiltered or (None if plan.filters else retrieved.candidates)
        if floor is not None and plan.has_photo and everything and everything.items:
            floor = floor.looking_at(everything.items)
        if request.sort != "relevance" and not plan.is_browse:
            if floor is None and plan.floor is not None and not without_words:
                floor = AnyWord()
            if hides_matches(retrieved.candidates, floor):
                plan = replace(plan, is_deep=True)
                retrieved = await self._stages.candidates.find(plan, use_cache, came)
        ranked = await self._stages.ranker.rank(plan, retrieved, profile, floor, unfiltered)
        return await self._stages.learnt.rerank(await self._stages.reranker.rerank(ranked))

    async def _retrieve(
        self, plan: SearchPlan, use_cache: bool, came: FeedPosition | None
    ) -> tuple[RetrievedCandidates, ShopperProfile]:
        """The candidates, and the profile of the shopper if their taste counts."""
        user_id = plan.request.user_id
        if user_id is None or not plan.rank_weights.personal:
            return await self._stages.candidates.find(plan, use_cache, came), IMPERSONAL
        candidates = self._stages.candidates.find(plan, use_cache, came)
        return await asyncio.gather(candidates, self._stages.profiles.load(user_id))

    async def _unfiltered(self, plan: SearchPlan, use_cache: bool, came: FeedPosition | None) -> CandidateSet | None:
        """What a query finds without its filters, where that is looked for; None also where there is no telling."""
        if not plan.looks_beyond_filters:
            return None
        try:
            found = await self._stages.candidates.find(replace(plan, filters=()), use_cache, came)
        except (StoreUnavailable, EncoderBusy):
            return None
        return None if found.candidates.without_lexical else found.candidates
