"""Recommendations of every kind: what is suggested, what of it may be shown, in which order, and why."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.criteria import Filters, Ids
from indexer.errors import StoreUnavailable
from indexer.ports.profiles import History
from query_api.cache.change_feed import ChangeFeed
from query_api.cards.card_table import AnswerCards, CardTable
from query_api.contract.requests import RecommendationRequest, SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.embedding.product_vectors import ProductVectors
from query_api.errors import InvalidRequest
from query_api.personalisation.shopper_profiles import ShopperProfile, ShopperProfiles
from query_api.personalisation.taste import Taste
from query_api.recommending.blend import Suggested
from query_api.recommending.diversity import diversified
from query_api.recommending.exploring import with_new
from query_api.recommending.leading import led_by
from query_api.recommending.reasons import Reasons
from query_api.recommending.sources import BehaviourSources, CatalogueSources, recent, with_taste
from query_api.recommending.suggestions import Shopper, Suggestion
from query_api.recommending.taste_ranking import TasteRanking, nearest
from query_api.retrieval.candidate_columns import CandidateColumns
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.inputs import read_filters, request_filters
from query_api.search.ranking import Ranking
from query_api.search.response_builder import ResponseBuilder
from query_api.search.results import RankedResults, Reason, with_cards


@dataclass(frozen=True, slots=True)
class RecommendationSources:
    """What recommendations come from."""

    tastes: TasteRanking
    behaviour: BehaviourSources
    catalogue: CatalogueSources


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, and what is known for it."""

    search: SearchRequest
    wanted: RecommendationRequest
    filters: Filters
    """All that a product has to pass, the category among it."""
    shopper: Shopper
    history: Awaitable[History]
    """Theirs, which has come, or could not be read."""
    cards: AnswerCards


class Recommender:
    """Recommends products: filters, the caller's token and deletions hold exactly, by the product store."""

    def __init__(
        self,
        profiles: ShopperProfiles,
        products: ProductVectors,
        retriever: Retriever,
        sources: RecommendationSources,
        cards: CardTable,
        feed: ChangeFeed | None,
        responses: ResponseBuilder,
        explored: int = 0,
    ) -> None:
        """Bind to stores and sources.

        Args:
            feed: tells `cards` of changes; None: none does.
            explored: how many of each ten products for a shopper are new ones.
        """
        self._profiles = profiles
        self._products = products
        self._retriever = retriever
        self._sources = sources
        self._cards = cards
        self._feed = feed
        self._responses = responses
        self._explored = explored

    async def recommend(self, search: SearchRequest, wanted: RecommendationRequest) -> SearchResponse:
        """One page of recommendations.

        Args:
            search: the shopper, filters, the page and facets.
            wanted: the kind, what it starts from, and how varied it is to be.

        Raises:
            InvalidRequest: a filter cannot be applied, or what the kind starts from is missing.
            ProductNotFound: it starts from a product that is not there.
            StoreUnavailable: the product store does not answer.
        """
        started_s = time.perf_counter()
        asked = await self._prepare(search, wanted)
        results = await self._by_kind(asked)
        return await self._responses.build(await self._varied(results, asked), started_s)

    async def _prepare(self, search: SearchRequest, wanted: RecommendationRequest) -> _Asked:
        if missing := wanted.missing_anchor:
            raise InvalidRequest(missing, f"{missing}: kind {wanted.kind} needs one to start from")
        filters = request_filters(search) + (read_filters({"category": wanted.category}) if wanted.category else ())
        if wanted.product_id is not None:
            await self._products.parts_of(wanted.product_id, search.fixed_filters)
        history = asyncio.ensure_future(self._profiles.ask(search.user_id or ""))
        shopper, cards = await asyncio.gather(_shopper(search.user_id or "", history), self._open_cards())
        return _Asked(search, wanted, filters, shopper, history, cards)

    async def _open_cards(self) -> AnswerCards:
        try:
            if self._feed is not None:
                await self._feed.catch_up()
        except StoreUnavailable:
            return self._cards.open(is_current=False)
        return self._cards.open(is_current=self._feed is not None)

    async def _by_kind(self, asked: _Asked) -> RankedResults:
        wanted, tastes = asked.wanted, self._sources.tastes
        if wanted.kind == "trending":
            wording = f"popular in {wanted.category}"
            return await tastes.rank_popular(asked.search, asked.filters, (), asked.cards, wording)
        if wanted.kind == "for_you":
            return await self._for_you(asked)
        try:
            suggestions, degraded = await self._suggestions(asked), asked.shopper.degraded
        except _BehaviourAway:
            suggestions, degraded = [], ("personalisation",)
        return replace(await self._of_suggestions(suggestions, asked), degraded=degraded)

    async def _for_you(self, asked: _Asked) -> RankedResults:
        """What behaviour and taste suggest, then what is nearest to the taste; of an unknown one, what is popular."""
        tastes = self._sources.tastes
        (profile, near), suggested = await asyncio.gather(self._near_taste(asked), self._by_behaviour(asked))
        if near is None:
            return await tastes.rank_popular(asked.search, asked.filters, profile.degraded, asked.cards, "popular here")
        liked = replace(near, reasons_of=self._reasons(asked).by_likeness)
        if suggested is None:
            return replace(liked, degraded=("personalisation",))
        fitting = nearest(near.ranked, profile.product_weights)
        suggestions = with_taste(suggested, asked.shopper, fitting, profile.taste.confidence)
        if self._explored:
            suggestions = await self._with_new(suggestions, asked, profile.taste)
        return led_by(await self._of_suggestions(suggestions, asked), liked)

    async def _near_taste(self, asked: _Asked) -> tuple[ShopperProfile, RankedResults | None]:
        """What is known of the shopper, and the products near that; None: nothing is."""
        profile = await self._profile(asked)
        tastes = self._sources.tastes
        return profile, await tastes.rank_near_taste(asked.search, asked.filters, profile, asked.cards)

    async def _profile(self, asked: _Asked) -> ShopperProfile:
        return await self._profiles.load(asked.shopper.user_id, asked.history)

    async def _with_new(self, suggestions: Sequence[Suggestion], asked: _Asked, taste: Taste) -> list[Suggestion]:
        """The suggestions with a few products that are too new for anybody to have chosen them."""
        now_ms, shopper = int(time.time() * 1000), asked.shopper
        new = await self._sources.catalogue.untried(shopper, taste, asked.filters, asked.cards, now_ms)
        return with_new(suggestions, new, self._explored, shopper.user_id, now_ms)

    async def _by_behaviour(self, asked: _Asked) -> Suggested | None:
        """What behaviour suggests for a shopper; None: that is out of reach."""
        try:
            return await self._sources.behaviour.for_you(asked.shopper)
        except StoreUnavailable:
            return None

    async def _suggestions(self, asked: _Asked) -> list[Suggestion]:
        shopper, wanted = asked.shopper, asked.wanted
        match wanted.kind:
            case "recent":
                return recent(shopper)
            case "again":
                return await _behaviour(self._sources.behaviour.again(shopper))
            case "similar":
                return await self._sources.catalogue.similar(shopper, wanted.product_id or "", asked.filters)
            case "new":
                taste = (await self._profile(asked)).taste
                return await self._sources.catalogue.new(shopper, taste, asked.filters, asked.cards)
            case "together":
                return await _behaviour(self._sources.behaviour.together(shopper, wanted.product_id or ""))
            case _:
                return await _behaviour(self._sources.behaviour.going_on(shopper, wanted.session_id))

    async def _of_suggestions(self, suggestions: Sequence[Suggestion], asked: _Asked) -> RankedResults:
        by_id = {one.product_id: one for one in suggestions}
        found = CandidateColumns.unscored(by_id)
        if asked.filters and by_id:
            found = await self._retriever.browse((*asked.filters, Ids(tuple(by_id))), len(by_id))
        found = await with_cards(found, asked.cards)
        places = {product_id: at for at, product_id in enumerate(by_id)}
        order = np.argsort([places[product_id] for product_id in found.ids]).astype(np.intp)
        nothing, scores = np.zeros(len(found)), np.array([by_id[product_id].score for product_id in found.ids])
        # What a source thinks of a product is the personal part, and all there is.
        ranking = Ranking(found, nothing, scores, nothing, scores, order)
        reasons = self._reasons(asked)

        async def reasons_of(product_ids: Sequence[str]) -> Mapping[str, Reason]:
            return await reasons.of([by_id[product_id] for product_id in product_ids])

        return RankedResults(asked.search, ranking, None, None, asked.cards, reasons_of=reasons_of)

    def _reasons(self, asked: _Asked) -> Reasons:
        return Reasons(self._retriever, asked.search.fixed_filters, asked.shopper, asked.cards)

    async def _varied(self, results: RankedResults, asked: _Asked) -> RankedResults:
        wanted, ranked = asked.wanted, results.ranked
        if not wanted.diversity and wanted.max_per_brand is None and wanted.max_per_category is None:
            return results
        gone = set(await asked.cards.load(ranked.ids))
        here = np.flatnonzero([product_id not in gone for product_id in ranked.ids])
        ranked = ranked.reordered(here)
        columns = asked.cards.columns(ranked.ids)
        places = diversified(columns, wanted.diversity, wanted.max_per_brand, wanted.max_per_category)
        return replace(results, ranked=ranked.reordered(places), unretrieved_count=0)


async def _shopper(user_id: str, history: Awaitable[History]) -> Shopper:
    try:
        return Shopper.of(user_id, (await history).interactions())
    except StoreUnavailable:
        return Shopper(user_id, degraded=("personalisation",))


class _BehaviourAway(Exception):
    """What shoppers did together is out of reach."""


async def _behaviour(suggesting: Awaitable[list[Suggestion]]) -> list[Suggestion]:
    try:
        return await suggesting
    except StoreUnavailable as error:
        raise _BehaviourAway from error
