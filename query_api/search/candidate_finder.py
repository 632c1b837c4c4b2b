"""Candidates from the cache or the product store: a hit of the cache is as true to the index as a search would be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from encoders.spec import FloatArray
from indexer.errors import StoreUnavailable
from query_api import metrics
from query_api.cache.candidate_entries import CandidateEntries, EntryWithChanges
from query_api.embedding.query_vectors import QueryEmbedder
from query_api.retrieval.candidate_set import CandidateSet
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.planning import SearchPlan

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


class CandidateFinder:
    """The third stage of a search: candidates from the cache, or else embedded and retrieved.

    A cache entry is never used as it is when products changed since: the few that did are scored anew and the entry is
    written back; after many changes it is searched anew. The position in the change log is read before a search, so a
    change during the search is looked at again by the next query.
    """

    def __init__(
        self, entries: CandidateEntries | None, embedder: QueryEmbedder, retriever: Retriever, index: IndexKey
    ) -> None:
        """Args: entries: of the cache; None: it is off."""
        self._entries = entries
        self._embedder = embedder
        self._retriever = retriever
        self._index = index

    async def find(self, plan: SearchPlan, use_cache: bool) -> RetrievedCandidates:
        """The candidates of a plan; without Redis, it does without the cache.

        Raises:
            InvalidRequest: a picture, the clip or the product cannot be searched with.
            EncoderBusy: the encoder, or a decoder before it, was late.
            StoreUnavailable: the product store does not answer.
        """
        if self._entries is None or not use_cache:
            return await self._search(plan, "bypass")
        key = plan.cache_key(self._index.generation, self._index.encoder_key)
        try:
            known = await self._entries.read(key)
        except StoreUnavailable:
            return await self._search_without_cache(plan)
        # A changed product that is searched with makes another query vector.
        if known is not None and plan.query_product_ids.isdisjoint(known.changed):
            hit = await self._reuse(self._entries, key, plan, known)
            if hit is not None:
                return hit
        return await self._search_and_write(self._entries, key, plan)

    async def _reuse(
        self, entries: CandidateEntries, key: str, plan: SearchPlan, known: EntryWithChanges
    ) -> RetrievedCandidates | None:
        """The candidates of an entry, refreshed where products changed; None: they must be searched anew."""
        vector, cached = known.entry.query_vector, known.entry.candidates
        if not cached.covers(plan.browse_limit):
            return None
        if not known.changed:
            return RetrievedCandidates(cached, vector, "hit")
        if not cached.is_refreshable:
            return None
        candidates = await self._retriever.refresh(plan.retrieval_query(vector), cached, known.changed)
        if candidates.is_stale:
            return None
        metrics.REFRESHED_PRODUCTS.inc(len(known.changed))
        degraded = await entries.write(key, known.position, vector, candidates)
        return RetrievedCandidates(candidates, vector, "hit", degraded)

    async def _search_and_write(self, entries: CandidateEntries, key: str, plan: SearchPlan) -> RetrievedCandidates:
        try:
            position = await entries.position()
        except StoreUnavailable:
            return await self._search_without_cache(plan)
        retrieved = await self._search(plan, "miss")
        if retrieved.candidates.without_lexical:
            return retrieved
        degraded = await entries.write(key, position, retrieved.query_vector, retrieved.candidates)
        return replace(retrieved, degraded=degraded) if degraded else retrieved

    async def _search_without_cache(self, plan: SearchPlan) -> RetrievedCandidates:
        retrieved = await self._search(plan, "bypass")
        return replace(retrieved, degraded=("cache", *retrieved.degraded))

    async def _search(self, plan: SearchPlan, state: CacheState) -> RetrievedCandidates:
        parts = plan.parts_to_embed
        vector = await self._embedder.embed(parts, plan.part_weights) if parts else None
        candidates = await self._retriever.retrieve(plan.retrieval_query(vector))
        return RetrievedCandidates(candidates, vector, state, ("lexical",) if candidates.without_lexical else ())
