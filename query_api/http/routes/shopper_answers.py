"""Answers each shopper from the generation of the index that their variant of an experiment names."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from query_api.contract.requests import RecommendationRequest, SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.experiments.beside import GenerationsBeside
from query_api.search.answers.answering import Answer
from query_api.search.answers.kept_searches import KeptSearch
from query_api.wiring.components import QueryComponents


class ShopperAnswers:
    """Answers from the active generation, or for shoppers of a variant that names another, from that one.

    Where this process does not have that one at hand, they have the first variant: see `RunningExperiment`.
    """

    def __init__(self, own: QueryComponents, beside: GenerationsBeside[QueryComponents]) -> None:
        self._own = own
        self._beside = beside

    def kept(self, request: SearchRequest) -> KeptSearch | None:
        """A request as one whose answers are kept; None: they are not."""
        return self._own.answers.kept(request)

    async def finished(self, search: KeptSearch) -> bytes | None:
        """The answer to a search, if there is one; None: it has to be searched for. Raises nothing."""
        generation = self._own.experiment.generation(search.request.user_id)
        if generation is None:
            # Nearly always, and in less time than it takes to enter a context.
            return await self._own.answers.finished(search)
        with self._beside.asked(generation) as parts:
            return await parts.answers.finished(search)

    async def answer(self, request: SearchRequest, use_cache: bool) -> Answer:
        """The answer to a search. Raises what `Searcher.rank` raises."""
        with self._for(request.user_id) as parts:
            return await parts.answers.answer(request, use_cache)

    async def recommend(self, search: SearchRequest, wanted: RecommendationRequest) -> SearchResponse:
        """One page of recommendations. Raises what `Recommender.recommend` raises."""
        with self._for(search.user_id) as parts:
            return await parts.recommender.recommend(search, wanted)

    @contextmanager
    def _for(self, user_id: str | None) -> Generator[QueryComponents, None, None]:
        generation = self._own.experiment.generation(user_id)
        if generation is None:
            yield self._own
            return
        with self._beside.asked(generation) as parts:
            yield parts
