"""Answers to searches as bytes: a finished page, where one is kept and still true, or else a search."""

from __future__ import annotations

import secrets
import time
from typing import NamedTuple

import msgspec

from indexer.errors import StoreUnavailable
from query_api.cache.pages import Page, PageKey
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.search.candidate_finder import CacheState, ResultCache
from query_api.search.planning import SearchPlanner
from query_api.search.query_log import log_query
from query_api.search.response_builder import IndexStatus, ResponseBuilder
from query_api.search.results import RankedResults
from query_api.search.searcher import Searcher

_encoder = msgspec.json.Encoder(order="deterministic")


class Answer(NamedTuple):
    """What answers a search."""

    body: bytes
    """The JSON of a `SearchResponse`."""
    cache: CacheState


class SearchAnswers:
    """Answers searches with the JSON of a response.

    Answers to requests that are nobody's in particular are kept, with the candidates that they were made of: what
    touches those, makes the answer anew.
    """

    def __init__(
        self,
        searcher: Searcher,
        responses: ResponseBuilder,
        planner: SearchPlanner,
        index: IndexStatus,
        cache: ResultCache | None,
    ) -> None:
        """Args: cache: None: it is off."""
        self._searcher = searcher
        self._responses = responses
        self._planner = planner
        self._index = index
        self._cache = cache

    async def answer(self, request: SearchRequest, use_cache: bool = True) -> Answer:
        """The answer to a search. Raises what `Searcher.rank` raises."""
        started_s = time.perf_counter()
        if self._cache is None or not use_cache or not is_for_anybody(request):
            return _answer(await self._searcher.search(request, use_cache))
        key, word_count = page_key(request, self._planner), self._planner.word_count
        try:
            came = await self._cache.feed.catch_up()
        except StoreUnavailable:
            return _answer(await self._searcher.search(request))
        page = self._cache.live.page(key)
        if page is not None and page.word_count in (None, word_count):
            return Answer(self._finished(page, request, started_s), "hit")
        results = await self._searcher.rank(request, came=came)
        response = await self._responses.build(results, started_s)
        self._keep(self._cache, key, results, response, word_count)
        return _answer(response)

    async def finished(self, request: SearchRequest) -> bytes | None:
        """The answer to a search, if it is kept; None: it has to be searched for. Raises nothing."""
        started_s = time.perf_counter()
        if self._cache is None or not is_for_anybody(request):
            return None
        try:
            await self._cache.feed.catch_up()
        except StoreUnavailable:
            return None
        page = self._cache.live.page(page_key(request, self._planner))
        if page is None or page.word_count not in (None, self._planner.word_count):
            return None
        return self._finished(page, request, started_s)

    def _finished(self, page: Page, request: SearchRequest, started_s: float) -> bytes:
        query_id, took_ms = secrets.token_hex(8), round((time.perf_counter() - started_s) * 1000, 2)
        log_query(request, query_id, took_ms, "hit", page.hit_count, page.total)
        return page.answer(query_id, took_ms, self._index.age_ms())

    def _keep(
        self, cache: ResultCache, key: PageKey, results: RankedResults, response: SearchResponse, word_count: int
    ) -> None:
        depends_on = results.parsed.depends_on if results.parsed else ""
        if results.entry is None or results.degraded or depends_on == "catalogue":
            return
        page = Page.of(response, word_count if depends_on == "vocabulary" else None)
        cache.live.keep_page(results.entry, key, page)


def _answer(response: SearchResponse) -> Answer:
    return Answer(msgspec.json.encode(response), response.cache)


def is_for_anybody(request: SearchRequest) -> bool:
    """Whether an answer is the same whoever asks, and made of the request's candidates alone."""
    is_plain = type(request) is SearchRequest and request.user_id is None
    # Explanations, and counts without a field's own filter, are read of the index beside the candidates.
    return is_plain and not (request.explain or request.multi_select or has_media(request))


def has_media(request: SearchRequest) -> bool:
    """Whether something has to be decoded for it."""
    has_clip = request.image is not None or request.audio is not None or request.video is not None
    return has_clip or any(part.image is not None for part in request.parts)


def page_key(request: SearchRequest, planner: SearchPlanner) -> PageKey:
    """What the answer to a request is kept under."""
    return PageKey(_encoder.encode(request), planner.versions)
