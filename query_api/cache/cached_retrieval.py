"""Candidates by way of the cache: a hit is as true to the index as a search would be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from encoders.spec import FloatArray
from indexer.errors import StoreUnavailable
from query_api import metrics
from query_api.cache.candidate_cache import CacheEntry, decode_entry, encode_entry
from query_api.circuit_breaker import CircuitBreaker
from query_api.ports import QueryPorts
from query_api.retrieval.hybrid_search import CandidateSet, RetrievalLimits, RetrievalQuery, refresh, retrieve

CacheState = Literal["hit", "miss", "bypass"]


@dataclass(frozen=True, slots=True)
class CandidateRequest:
    """A retrieval request whose vector need not be made when the cache knows it."""

    cache_key: str | None
    """Of the cache; None goes past it."""
    retrieval: RetrievalQuery
    """With no vector yet."""
    embed: Callable[[], Awaitable[FloatArray]] | None
    """Makes the query vector; None where there is nothing to embed."""
    query_product_ids: frozenset[str] = frozenset()
    """The products whose stored vectors are part of the query vector."""


@dataclass(frozen=True, slots=True)
class RetrievedCandidates:
    """Candidates, and how they were come by."""

    candidates: CandidateSet
    query_vector: FloatArray | None
    cache_state: CacheState
    degraded: tuple[str, ...] = ()


class CachedRetriever:
    """Finds candidates in the cache or in the store.

    A cached entry is never used as it is when products changed since: the few that did are scored anew and the entry
    is written back; after many changes it is searched anew. The position in the change log is read before a search,
    so a change during the search is looked at again by the next query.
    """

    def __init__(self, services: QueryPorts, redis: CircuitBreaker) -> None:
        self._services = services
        self._redis = redis
        self._limits = RetrievalLimits(services.config.candidates, services.config.browse_candidates)

    async def retrieve(self, query: CandidateRequest) -> RetrievedCandidates:
        """Raises `StoreUnavailable` when the product store does not answer; without Redis it does without the cache."""
        if query.cache_key is None or not self._services.config.cache_ttl_s:
            return await self._retrieve_uncached(query, "bypass")
        try:
            entry = await self._read_entry(query.cache_key)
            changes = await self._changes(entry)
        except StoreUnavailable:
            found = await self._retrieve_uncached(query, "bypass")
            return replace(found, degraded=("cache", *found.degraded))
        if entry is not None and changes is not None and query.query_product_ids.isdisjoint(changes[1]):
            hit = await self._reuse(query, entry, *changes)
            if hit is not None:
                return hit
        return await self._retrieve_and_store(query)

    async def _read_entry(self, key: str) -> CacheEntry | None:
        data = await self._redis.call(lambda: self._services.candidate_cache.get(key))
        return None if data is None else decode_entry(data)

    async def _changes(self, entry: CacheEntry | None) -> tuple[int, list[str]] | None:
        """(position, products changed since the entry); None when there is no entry, or it is too far behind."""
        if entry is None:
            return None
        changes = await self._redis.call(lambda: self._services.change_log.since(entry.position))
        few = changes is not None and len(changes[1]) <= self._services.config.cache_repair_products
        return changes if few else None

    async def _reuse(
        self, query: CandidateRequest, entry: CacheEntry, position: int, changed: Sequence[str]
    ) -> RetrievedCandidates | None:
        vector = entry.query_vector
        if not entry.candidates.covers(query.retrieval.browse_limit):
            return None
        if not changed:
            return RetrievedCandidates(entry.candidates, vector, "hit")
        if not entry.candidates.is_refreshable:
            return None
        retrieval = replace(query.retrieval, vector=vector)
        candidates = await refresh(self._services.store, retrieval, entry.candidates, changed)
        if candidates.is_stale:
            return None
        metrics.REFRESHED_PRODUCTS.inc(len(changed))
        degraded = await self._store_entry(query.cache_key, position, vector, candidates)
        return RetrievedCandidates(candidates, vector, "hit", degraded)

    async def _retrieve_and_store(self, query: CandidateRequest) -> RetrievedCandidates:
        try:
            position = await self._redis.call(self._services.change_log.position)
        except StoreUnavailable:
            found = await self._retrieve_uncached(query, "bypass")
            return replace(found, degraded=("cache", *found.degraded))
        found = await self._retrieve_uncached(query, "miss")
        if found.candidates.without_lexical:
            return found
        return replace(
            found, degraded=await self._store_entry(query.cache_key, position, found.query_vector, found.candidates)
        )

    async def _retrieve_uncached(self, query: CandidateRequest, state: CacheState) -> RetrievedCandidates:
        vector = await query.embed() if query.embed is not None else None
        candidates = await retrieve(self._services.store, replace(query.retrieval, vector=vector), self._limits)
        return RetrievedCandidates(candidates, vector, state, ("lexical",) if candidates.without_lexical else ())

    async def _store_entry(
        self, key: str | None, position: int, vector: FloatArray | None, candidates: CandidateSet
    ) -> tuple[str, ...]:
        """Write an entry; what is degraded when that fails."""
        entry = encode_entry(position, vector, candidates)
        if key is None or len(entry) > self._services.config.cache_entry_bytes:
            return ()
        try:
            await self._redis.call(
                lambda: self._services.candidate_cache.set(key, entry, self._services.config.cache_ttl_s)
            )
        except StoreUnavailable:
            return ("cache",)
        return ()
