"""Candidates by way of the cache: a hit is as true to the index as a search would be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from encoders.spec import FloatArray
from indexer.errors import StoreUnavailable
from query_api import metrics
from query_api.breaker import Breaker
from query_api.cache import Entry, decode_entry, encode_entry
from query_api.retrieval import CandidateSet, Depth, Retrieval, mend, retrieve
from query_api.services import Services

CacheState = Literal["hit", "miss", "bypass"]


@dataclass(frozen=True, slots=True)
class CandidateQuery:
    """A retrieval request whose vector need not be made when the cache knows it."""

    key: str | None
    """Of the cache; None goes past it."""
    retrieval: Retrieval
    """With no vector yet."""
    vector: Callable[[], Awaitable[FloatArray]] | None
    """Makes the query vector; None where there is nothing to embed."""
    product_ids: frozenset[str] = frozenset()
    """The products whose stored vectors are part of the query vector."""


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates, and how they were come by."""

    candidates: CandidateSet
    vector: FloatArray | None
    cache: CacheState
    degraded: tuple[str, ...] = ()


class CandidateFinder:
    """Finds candidates in the cache or in the store.

    A cached entry is never used as it is when products changed since: the few that did are scored anew and the entry
    is written back; after many changes it is searched anew. The position in the change log is read before a search,
    so a change during the search is looked at again by the next query.
    """

    def __init__(self, services: Services, redis: Breaker) -> None:
        self._services = services
        self._redis = redis
        self._depth = Depth(services.config.candidates, services.config.browse_candidates)

    async def find(self, query: CandidateQuery) -> Found:
        """Raises `StoreUnavailable` when the product store does not answer; without Redis it does without the cache."""
        if query.key is None or not self._services.config.cache_ttl_s:
            return await self._search(query, "bypass")
        try:
            entry = await self._lookup(query.key)
            changes = await self._changes(entry)
        except StoreUnavailable:
            found = await self._search(query, "bypass")
            return replace(found, degraded=("cache", *found.degraded))
        if entry is not None and changes is not None and query.product_ids.isdisjoint(changes[1]):
            hit = await self._hit(query, entry, *changes)
            if hit is not None:
                return hit
        return await self._miss(query)

    async def _lookup(self, key: str) -> Entry | None:
        data = await self._redis.call(lambda: self._services.cache.get(key))
        return None if data is None else decode_entry(data)

    async def _changes(self, entry: Entry | None) -> tuple[int, list[str]] | None:
        """(position, products changed since the entry); None when there is no entry, or it is too far behind."""
        if entry is None:
            return None
        changes = await self._redis.call(lambda: self._services.change_log.since(entry.position))
        few = changes is not None and len(changes[1]) <= self._services.config.cache_repair_products
        return changes if few else None

    async def _hit(self, query: CandidateQuery, entry: Entry, position: int, changed: Sequence[str]) -> Found | None:
        vector = entry.query_vector
        if not entry.candidates.reaches(query.retrieval.wanted):
            return None
        if not changed:
            return Found(entry.candidates, vector, "hit")
        if not entry.candidates.is_mendable:
            return None
        retrieval = replace(query.retrieval, vector=vector)
        candidates = await mend(self._services.store, retrieval, entry.candidates, changed)
        if candidates.is_worn:
            return None
        metrics.MENDED.inc(len(changed))
        degraded = await self._keep(query.key, position, vector, candidates)
        return Found(candidates, vector, "hit", degraded)

    async def _miss(self, query: CandidateQuery) -> Found:
        try:
            position = await self._redis.call(self._services.change_log.position)
        except StoreUnavailable:
            found = await self._search(query, "bypass")
            return replace(found, degraded=("cache", *found.degraded))
        found = await self._search(query, "miss")
        if found.candidates.without_lexical:
            return found
        return replace(found, degraded=await self._keep(query.key, position, found.vector, found.candidates))

    async def _search(self, query: CandidateQuery, state: CacheState) -> Found:
        vector = await query.vector() if query.vector is not None else None
        candidates = await retrieve(self._services.store, replace(query.retrieval, vector=vector), self._depth)
        return Found(candidates, vector, state, ("lexical",) if candidates.without_lexical else ())

    async def _keep(
        self, key: str | None, position: int, vector: FloatArray | None, candidates: CandidateSet
    ) -> tuple[str, ...]:
        """Write an entry; what is degraded when that fails."""
        entry = encode_entry(position, vector, candidates)
        if key is None or len(entry) > self._services.config.cache_entry_bytes:
            return ()
        try:
            await self._redis.call(lambda: self._services.cache.set(key, entry, self._services.config.cache_ttl_s))
        except StoreUnavailable:
            return ("cache",)
        return ()
