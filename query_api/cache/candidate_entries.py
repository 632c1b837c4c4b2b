"""The candidate cache beside the change log: entries with what changed since they were written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from encoders.spec import FloatArray
from indexer.errors import StoreUnavailable
from indexer.ports import ChangeLog
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


@dataclass(frozen=True, slots=True)
class EntryWithChanges:
    """A cache entry, and what happened to the index since."""

    entry: CacheEntry
    position: int
    """Of the change log now."""
    changed: Sequence[str]
    """Ids of the products that changed since the entry."""


class CandidateEntries:
    """Reads and writes entries of the candidate cache; every call to Redis goes through the circuit breaker."""

    def __init__(
        self, cache: CandidateCache, change_log: ChangeLog, circuit: CircuitBreaker, limits: EntryLimits
    ) -> None:
        self._cache = cache
        self._change_log = change_log
        self._circuit = circuit
        self._limits = limits

    async def read(self, key: str) -> EntryWithChanges | None:
        """The entry of a key; None: there is none, or too much changed since. Raises `StoreUnavailable`."""
        data = await self._circuit.call(lambda: self._cache.get(key))
        entry = None if data is None else decode_entry(data)
        if entry is None:
            return None
        changes = await self._circuit.call(lambda: self._change_log.since(entry.position))
        if changes is None or len(changes[1]) > self._limits.max_changes:
            return None
        return EntryWithChanges(entry, *changes)

    async def position(self) -> int:
        """Where the change log stands: to be read before the search of which an entry is made.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        return await self._circuit.call(self._change_log.position)

    async def write(
        self, key: str, position: int, vector: FloatArray | None, candidates: CandidateSet
    ) -> tuple[str, ...]:
        """Write an entry, unless it is too large; returns what is degraded: `cache` when Redis does not answer."""
        entry = encode_entry(position, vector, candidates)
        if len(entry) > self._limits.max_bytes:
            return ()
        try:
            await self._circuit.call(lambda: self._cache.set(key, entry, self._limits.ttl_s))
        except StoreUnavailable:
            return ("cache",)
        return ()
