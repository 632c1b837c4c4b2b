"""Entries of the candidate cache in Redis, which all query workers share, beside the change log."""

from __future__ import annotations

from dataclasses import dataclass

from encoders.spec import FloatArray
from indexer.errors import StoreUnavailable
from indexer.ports.changes import ChangeLog
from query_api.cache.candidate_cache import CacheEntry, decode_entry, encode_entry
from query_api.circuit_breaker import CircuitBreaker
from query_api.ports import CandidateCache
from query_api.retrieval.candidate_set import CandidateSet


@dataclass(frozen=True, slots=True)
class EntryLimits:
    """How long entries live, and which are not kept or not reused."""

    ttl_s: float = 60.0
    max_bytes: int = 2 * 2**20
    """Larger candidate sets are not cached."""
    max_changes: int = 256
    """An entry since which more products changed is searched anew."""


class CandidateEntries:
    """Reads and writes entries of the candidate cache; every call to Redis goes through the circuit breaker.

    A position of an entry is one within an epoch of the change log: in another epoch, there is no such entry.
    """

    def __init__(
        self, cache: CandidateCache, change_log: ChangeLog, circuit: CircuitBreaker, limits: EntryLimits
    ) -> None:
        self._cache = cache
        self._change_log = change_log
        self._circuit = circuit
        self._limits = limits

    async def read(self, key: str, epoch: str) -> CacheEntry | None:
        """The entry of a key. Raises `StoreUnavailable`."""
        data = await self._circuit.call(lambda: self._cache.get(f"{key}:{epoch}"))
        return None if data is None else decode_entry(data)

    async def changed_since(self, position: int) -> tuple[int, list[str]] | None:
        """(the position now, ids of the products that changed since a position); None: too much did, or more than is
        known.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        changes = await self._circuit.call(lambda: self._change_log.since(position))
        return None if changes is None or len(changes[1]) > self._limits.max_changes else changes

    async def write(
        self, key: str, epoch: str, position: int, vector: FloatArray | None, candidates: CandidateSet
    ) -> tuple[str, ...]:
        """Write an entry, unless it is too large; returns what is degraded: `cache` when Redis does not answer.

        Args:
            position: of the change log before the search.
            vector: the query's (2·dim,) float32; None: it was not embedded.
        """
        entry = encode_entry(position, vector, candidates)
        if len(entry) > self._limits.max_bytes:
            return ()
        try:
            await self._circuit.call(lambda: self._cache.set(f"{key}:{epoch}", entry, self._limits.ttl_s))
        except StoreUnavailable:
            return ("cache",)
        return ()
