"""Answers to searches as bytes: a finished page, where one is kept and still true, or else a search."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable
from typing import NamedTuple

import msgspec
from msgspec import structs

from indexer.errors import StoreUnavailable
from indexer.ports.profiles import History
from query_api.cache.live_entry import ForTastes, LiveEntry
from query_api.cache.pages import Page, PageKey
from query_api.cards.first_hits import FirstHits
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.experiments.running import RunningExperiment
from query_api.search.answers.kept_searches import KeptSearch, is_kept
from query_api.search.answers.personal_hits import PersonalHits
from query_api.search.candidate_finder import CacheState, ResultCache
from query_api.search.impression_log import ImpressionLog
from query_api.search.planning import SearchPlanner
from query_api.search.query_log import log_query
from query_api.search.response_builder import IndexStatus, ResponseBuilder
from query_api.search.results import RankedResults
from query_api.search.searcher import Searcher


class Answer(NamedTuple):
    """What answers a search."""

    body: bytes
    """The JSON of a `SearchResponse`."""
    cache: CacheState


class _Question(NamedTuple):
    """A search whose answer may be kept."""

    request: SearchRequest
    key: PageKey
    """Of the page that it is answered from: for a shopper, anybody's."""
    began_s: float
    history: Awaitable[History] | None
    """That of the shopper who asks, which is being read; None: it is not."""


class SearchAnswers:
    """Answers searches with the JSON of a response.

    Answers are kept with the candidates that they were made of: what touches those, makes the answer anew. A
    shopper's answer is a kept one with hits of their own.
    """

    def __init__(
        self,
        searcher: Searcher,
        responses: ResponseBuilder,
        planner: SearchPlanner,
        index: IndexStatus,
        cache: ResultCache | None,
        personal: PersonalHits | None,
        impressions: ImpressionLog,
        experiment: RunningExperiment,
    ) -> None:
        """Args: cache: None: it is off; personal: None: shoppers' answers are made anew each time."""
        self._searcher = searcher
        self._responses = responses
        self._planner = planner
        self._index = index
        self._cache = cache
        self._personal = personal
        self._impressions = impressions
        self._experiment = experiment

    def kept(self, request: SearchRequest) -> KeptSearch | None:
        """A request as one whose answers are kept; None: they are not."""
        if self._cache is None or (self._personal is None and request.user_id is not None) or not is_kept(request):
            return None
        return KeptSearch.of(request)

    async def answer(self, request: SearchRequest, use_cache: bool = True) -> Answer:
        """The answer to a search. Raises what `Searcher.rank` raises."""
        request = self._experiment.applied(request)
        search = self.kept(request) if use_cache else None
        if self._cache is None or search is None:
            return _answer(await self._searcher.search(request, use_cache))
        question, word_count = self._begin(self._cache, search), self._planner.word_count
        try:
            came = await self._cache.feed.catch_up()
        except StoreUnavailable:
            return _answer(await self._searcher.search(request))
        kept = await self._from_page(self._cache, question)
        if kept is not None:
            return Answer(kept, "hit")
        results = await self._searcher.rank(request, came=came)
        response, shown = await self._responses.build_shown(results, question.began_s)
        self._keep(self._cache, question.key, results, response, word_count, shown)
        return _answer(response)

    async def finished(self, search: KeptSearch) -> bytes | None:
        """The answer to a search, if there is one; None: it has to be searched for. Raises nothing."""
        if self._cache is None:
            return None
        applied = self._experiment.applied(search.request)
        question = self._begin(self._cache, search if applied is search.request else KeptSearch.of(applied))
        try:
            await self._cache.feed.catch_up()
        except StoreUnavailable:
            return None
        return await self._from_page(self._cache, question)

    def _begin(self, cache: ResultCache, search: KeptSearch) -> _Question:
        """Begin to answer; where a page waits for a shopper's hits, their history is read beside the change log."""
        began_s, user_id, key = time.perf_counter(), search.request.user_id, search.page_key(self._planner.versions)
        history = None
        if self._personal is not None and user_id is not None and cache.live.entry_of(key) is not None:
            history = self._personal.ask(user_id)
        return _Question(search.request, key, began_s, history)

    async def _from_page(self, cache: ResultCache, question: _Question) -> bytes | None:
        entry, request = cache.live.entry_of(question.key), question.request
        if entry is None:
            return None
        page = entry.pages[question.key]
        if page.word_count not in (None, self._planner.word_count) or self._planner.has_any_term(page.absent_terms):
            return None
        if request.user_id is not None:
            page = await self._shoppers_page(cache, question, entry, request.user_id)
            if page is None:
                return None
        query_id, took_ms = secrets.token_hex(8), round((time.perf_counter() - question.began_s) * 1000, 2)
        log_query(
            request,
            query_id,
            took_ms,
            "hit",
            page.hit_count,
            page.total,
            variant=self._experiment.label(request.user_id),
        )
        self._impressions.note(request, query_id, page.shown)
        return page.answer(query_id, took_ms, self._index.age_ms())

    async def _shoppers_page(
        self, cache: ResultCache, question: _Question, entry: LiveEntry, user_id: str
    ) -> Page | None:
        """The page in a shopper's order, which is kept as long as nothing more is known of them."""
        request, key, for_tastes = question.request, question.key, entry.for_tastes
        anybodys = entry.pages[key]
        if self._personal is None or for_tastes is None:
            return None
        profile = await self._personal.profile(user_id, question.history)
        if profile.degraded:
            return None
        own_key = PageKey(key.request, key.understanding, user_id)
        own = entry.pages.get(own_key)
        if own is not None and own.taste == profile.number:
            return own
        weights = self._planner.rank_weights(request)
        found = await self._personal.hits(request, weights, profile, for_tastes)
        if found is None:
            return None
        hits, shown = found
        page = anybodys.with_hits(hits, profile.number, shown)
        cache.live.keep_page(entry, own_key, page)
        return page

    def _keep(
        self,
        cache: ResultCache,
        key: PageKey,
        results: RankedResults,
        response: SearchResponse,
        word_count: int,
        shown: bytes,
    ) -> None:
        depends_on = results.parsed.depends_on if results.parsed else ""
        if results.entry is None or results.degraded or depends_on == "catalogue":
            return
        for_tastes = None
        if key.shopper is not None:
            if results.scoring is None or not results.scoring.is_personal:
                # Not all cards were looked at: the first shopper of whom something is known has them read.
                return
            items, response = results.ranked.candidates, structs.replace(response, hits=[])
            tastes, first = results.cards.columns(items.ids).tastes, FirstHits(results.cards.columns(results.first))
            scoring = results.scoring
            for_tastes = ForTastes(items, tastes, results.first, first, scoring.asked_for, scoring.unwanted)
        absent = results.parsed.absent_terms if results.parsed else ()
        page = Page.of(response, word_count if depends_on == "vocabulary" else None, absent, shown)
        cache.live.keep_page(results.entry, key, page, for_tastes)


def _answer(response: SearchResponse) -> Answer:
    return Answer(msgspec.json.encode(response), response.cache)
