"""Candidates by way of the cache: a hit is as true to the index as a search would be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from encoders.spec import FloatArray
from indexer.errors import StoreUnavailable
from query_api import metrics
from query_api.cache.candidate_entries import CandidateEntries, EntryWithChanges
from query_api.retrieval.candidate_set import CandidateSet, RetrievalQuery
from query_api.retrieval.hybrid_search import Retriever

CacheState = Literal["hit", "miss", "bypass"]


@dataclass(frozen=True, slots=True)
class CandidateRequest:
    """A retrieval query whose vector need not be made when the cache knows it."""

    cache_key: str | None
    """None: the cache is neither read nor written."""
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
    """(2·dim,), float32; None where there was nothing to embed."""
    cache_state: CacheState
    degraded: tuple[str, ...] = ()
    """What was left out because a server did not answer: `cache`, `lexical`."""


class CachedRetriever:
    """Finds candidates in the cache or in the store.

    An entry is never used as it is when products changed since: the few that did are scored anew and the entry is
    written back; after many changes it is searched anew. The position in the change log is read before a search, so a
    change during the search is looked at again by the next query.
    """

    def __init__(self, retriever: Retriever, entries: CandidateEntries | None) -> None:
        """Args: entries: of the cache; None: it is off."""
        self._retriever = retriever
        self._entries = entries

    async def retrieve(self, request: CandidateRequest) -> RetrievedCandidates:
        """The candidates of a request; without Redis, it does without the cache.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        if request.cache_key is None or self._entries is None:
            return await self._search(request, "bypass")
        try:
            known = await self._entries.read(request.cache_key)
        except StoreUnavailable:
            return await self._search_without_cache(request)
        if known is not None and request.query_product_ids.isdisjoint(known.changed):
            hit = await self._reuse(self._entries, request.cache_key, request, known)
            if hit is not None:
                return hit
        return await self._search_and_write(self._entries, request.cache_key, request)

    async def _reuse(
        self, entries: CandidateEntries, key: str, request: CandidateRequest, known: EntryWithChanges
    ) -> RetrievedCandidates | None:
        """The candidates of an entry, refreshed where products changed; None: they must be searched anew."""
        vector, cached = known.entry.query_vector, known.entry.candidates
        if not cached.covers(request.retrieval.browse_limit):
            return None
        if not known.changed:
            return RetrievedCandidates(cached, vector, "hit")
        if not cached.is_refreshable:
            return None
        candidates = await self._retriever.refresh(replace(request.retrieval, vector=vector), cached, known.changed)
        if candidates.is_stale:
            return None
        metrics.REFRESHED_PRODUCTS.inc(len(known.changed))
        degraded = await entries.write(key, known.position, vector, candidates)
        return RetrievedCandidates(candidates, vector, "hit", degraded)

    async def _search_and_write(
        self, entries: CandidateEntries, key: str, request: CandidateRequest
    ) -> RetrievedCandidates:
        try:
            position = await entries.position()
        except StoreUnavailable:
            return await self._search_without_cache(request)
        retrieved = await self._search(request, "miss")
        if retrieved.candidates.without_lexical:
            return retrieved
        degraded = await entries.write(key, position, retrieved.query_vector, retrieved.candidates)
        return replace(retrieved, degraded=degraded) if degraded else retrieved

    async def _search_without_cache(self, request: CandidateRequest) -> RetrievedCandidates:
        retrieved = await self._search(request, "bypass")
        return replace(retrieved, degraded=("cache", *retrieved.degraded))

    async def _search(self, request: CandidateRequest, state: CacheState) -> RetrievedCandidates:
        vector = await request.embed() if request.embed is not None else None
        candidates = await self._retriever.retrieve(replace(request.retrieval, vector=vector))
        return RetrievedCandidates(candidates, vector, state, ("lexical",) if candidates.without_lexical else ())
