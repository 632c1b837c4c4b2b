"""Candidates from the cache or the product store: a hit of the cache is as true to the index as a search would be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from encoders.spec import FloatArray
from encoders.tracing.spans import traced
from indexer.errors import StoreUnavailable
from query_api import metrics
from query_api.cache.candidate_entries import CandidateEntries
from query_api.cache.change_feed import ChangeFeed, FeedPosition
from query_api.cache.live_entries import LiveEntries
from query_api.cache.live_entry import LiveEntry
from query_api.cache.single_flight import SingleFlight
from query_api.embedding.query_vectors import QueryEmbedder
from query_api.retrieval.candidate_set import CandidateSet
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.search_plan import SearchPlan

CacheState = Literal["hit", "miss", "bypass"]


@dataclass(frozen=True, slots=True)
class IndexKey:
    """What cached candidates belong to."""

    generation: str
    encoder_key: str


@dataclass(frozen=True, slots=True)
class RetrievedCandidates:
    """The candidates of a search plan, and how they were come by."""

    candidates: CandidateSet
    query_vector: FloatArray | None
    """(2·dim,), float32; None where there was nothing to embed."""
    cache_state: CacheState
    degraded: tuple[str, ...] = ()
    """What was left out because a server did not answer: `cache`, `lexical`."""
    entry: LiveEntry | None = None
    """Where they are kept in this process, with the pages that were made of them; None: nowhere."""
    is_feed_heard: bool = True
    """Whether the process knows of every change before the request."""


@dataclass(frozen=True, slots=True)
class ResultCache:
    """The two places where candidates are kept, and what tells that they are still true."""

    feed: ChangeFeed
    live: LiveEntries
    """In this process."""
    shared: CandidateEntries
    """In Redis."""


@dataclass(frozen=True, slots=True)
class _Brought:
    """What one search, refresh or look into Redis gave."""

    as_of: FeedPosition
    """What the feed had read before it."""
    retrieved: RetrievedCandidates


class CandidateFinder:
    """The third stage of a search: candidates from the cache, or else embedded and retrieved.

    Whoever comes after a change is searchable gets candidates that know of it: the feed catches up first. Candidates
    that were touched by changes are looked at again, just for those products; many who miss the same ones make one
    search. The feed's position is read before a search, so a change during the search is applied to what it finds.
    """

    def __init__(
        self, cache: ResultCache | None, embedder: QueryEmbedder, retriever: Retriever, index: IndexKey
    ) -> None:
        """Args: cache: None: it is off."""
        self._cache = cache
        self._embedder = embedder
        self._retriever = retriever
        self._index = index
        self._flights: SingleFlight[_Brought] = SingleFlight()

    @traced("candidates")
    async def find(self, plan: SearchPlan, use_cache: bool, came: FeedPosition | None = None) -> RetrievedCandidates:
        """The candidates of a plan; without Redis, it does without the cache.

        Args:
            came: how far the feed had caught up with the request; None: it has to yet.

        Raises:
            InvalidRequest: a picture, the clip or the product cannot be searched with.
            EncoderBusy: the encoder, or a decoder before it, was late.
            StoreUnavailable: the product store does not answer.
        """
        cache = self._cache
        if cache is None:
            return replace(await self._search(plan, "bypass"), is_feed_heard=False)
        try:
            came = came or await cache.feed.catch_up()
        except StoreUnavailable:
            return await self._search_without_cache(plan, degraded=("cache",) if use_cache else ())
        if not use_cache:
            return await self._search(plan, "bypass")
        key = plan.cache_key(self._index.generation, self._index.encoder_key)
        while True:
            live = cache.live.get(key)
            if live is not None and not live.touched and live.candidates.covers(plan.browse_limit):
                return RetrievedCandidates(live.candidates, live.query.vector, "hit", entry=live)
            # What was under way when this request came may not know of the last change: the next one does.
            brought = await self._flights.join((key, plan.browse_limit), lambda: self._bring(cache, key, plan))
            if brought.as_of >= came:
                return brought.retrieved

    async def _bring(self, cache: ResultCache, key: str, plan: SearchPlan) -> _Brought:
        as_of = cache.feed.position
        try:
            live = cache.live.get(key) or await self._from_redis(cache, key, plan)
        except StoreUnavailable:
            return _Brought(as_of, await self._search_without_cache(plan))
        if live is not None and live.candidates.covers(plan.browse_limit):
            retrieved = await self._refreshed(cache, plan, live, as_of)
            if retrieved is not None:
                return _Brought(as_of, retrieved)
        retrieved = await self._search(plan, "miss")
        if retrieved.candidates.without_lexical:
            return _Brought(as_of, retrieved)
        return _Brought(as_of, await self._kept(cache, key, plan, retrieved, as_of))

    async def _from_redis(self, cache: ResultCache, key: str, plan: SearchPlan) -> LiveEntry | None:
        """What another worker, or this one before a restart, found; None: nothing that is of use."""
        life = cache.feed.position.life
        known = await cache.shared.read(key, cache.feed.epoch)
        if known is None:
            return None
        entry = LiveEntry(key, plan.retrieval_query(known.query_vector), known.candidates, plan.query_product_ids)
        as_of = FeedPosition(life, known.position)
        if cache.feed.since(as_of) is None:
            changes = await cache.shared.changed_since(known.position)
            if changes is None:
                return None
            as_of = FeedPosition(life, changes[0])
            entry.touched.update(changes[1])
        return cache.live.install(entry, as_of)

    async def _refreshed(
        self, cache: ResultCache, plan: SearchPlan, live: LiveEntry, as_of: FeedPosition
    ) -> RetrievedCandidates | None:
        """An entry's candidates with the products that touched it looked at again; None: search anew."""
        touched, query = tuple(live.touched), live.query
        if not touched:
            return RetrievedCandidates(live.candidates, query.vector, "hit", entry=live)
        candidates = await self._retriever.refresh(query, live.candidates, touched)
        if candidates.is_stale:
            return None
        metrics.REFRESHED_PRODUCTS.inc(len(touched))
        refreshed = RetrievedCandidates(candidates, query.vector, "hit")
        return await self._kept(cache, live.key, plan, refreshed, as_of)

    async def _kept(
        self, cache: ResultCache, key: str, plan: SearchPlan, retrieved: RetrievedCandidates, as_of: FeedPosition
    ) -> RetrievedCandidates:
        """What was retrieved, put where it is found again."""
        vector, candidates, epoch = retrieved.query_vector, retrieved.candidates, cache.feed.epoch
        entry = LiveEntry(key, plan.retrieval_query(vector), candidates, plan.query_product_ids)
        live = cache.live.install(entry, as_of)
        if as_of.life != cache.feed.position.life:
            return retrieved
        degraded = await cache.shared.write(key, epoch, as_of.sequence, vector, candidates)
        return replace(retrieved, entry=live, degraded=degraded)

    async def _search_without_cache(
        self, plan: SearchPlan, degraded: tuple[str, ...] = ("cache",)
    ) -> RetrievedCandidates:
        retrieved = await self._search(plan, "bypass")
        return replace(retrieved, degraded=(*degraded, *retrieved.degraded), is_feed_heard=False)

    async def _search(self, plan: SearchPlan, state: CacheState) -> RetrievedCandidates:
        parts = plan.parts_to_embed
        vector = await self._embedder.embed(parts, plan.part_weights) if parts else None
        candidates = await self._retriever.retrieve(plan.retrieval_query(vector))
        return RetrievedCandidates(candidates, vector, state, ("lexical",) if candidates.without_lexical else ())
