"""Cache entries: their format, and which are kept and reused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from indexer.errors import StoreUnavailable
from indexer.redis.change_log import InMemoryChangeLog
from query_api.cache.candidate_cache import InMemoryCandidateCache, candidate_key, decode_entry, encode_entry
from query_api.cache.candidate_entries import CandidateEntries, EntryLimits
from query_api.circuit_breaker import CircuitBreaker
from query_api.retrieval.candidate_columns import CandidateColumns, ScoredCandidate
from query_api.retrieval.candidate_set import CandidateSet

CANDIDATES = CandidateSet(CandidateColumns.of([ScoredCandidate("a", 0.5, 1.5)]), None, 0.25, True, 3)
VECTOR = np.array([1, 2], np.float32)
WRITTEN = bytes.fromhex(
    "9307c4080000803f000000409893c40978014b040000620062c4040000003fc4040000c03fc0cb3fd0000000000000c303c2c090"
)


def entries_over(cache: Any, change_log: InMemoryChangeLog, **limits: Any) -> CandidateEntries:
    return CandidateEntries(cache, change_log, CircuitBreaker(1.0), EntryLimits(**limits))


def test_entries_are_written_and_read_in_the_format_of_their_keys() -> None:
    assert encode_entry(7, VECTOR, CANDIDATES) == WRITTEN
    entry = decode_entry(WRITTEN)
    assert entry is not None and (entry.position, entry.candidates) == (7, CANDIDATES)
    assert entry.query_vector is not None and entry.query_vector.tolist() == [1.0, 2.0]


def test_a_key_stays_the_same_for_the_same_request() -> None:
    key = candidate_key("g", "e", [("text", "mug", 1.0)], [0.3, 0.1], "mug", [], None)
    assert key == "vitrine:candidates:308c3e9b36f24925fdf4e3395a28843a"


async def test_an_entry_is_one_of_its_epoch() -> None:
    entries = entries_over(InMemoryCandidateCache(), InMemoryChangeLog())
    assert await entries.read("key", "1") is None
    assert await entries.write("key", "1", 7, VECTOR, CANDIDATES) == ()
    known = await entries.read("key", "1")
    assert known is not None and (known.position, known.candidates) == (7, CANDIDATES)
    assert await entries.read("key", "2") is None


async def test_more_changes_than_are_looked_at_are_too_much() -> None:
    change_log = InMemoryChangeLog()
    entries = entries_over(InMemoryCandidateCache(), change_log, max_changes=1)
    start = await change_log.position()
    await change_log.append(["b"])
    assert await entries.changed_since(start) == (start + 1, ["b"])
    await change_log.append(["c"])
    assert await entries.changed_since(start) is None


@pytest.mark.parametrize(("max_bytes", "kept"), [(len(WRITTEN) - 1, 0), (len(WRITTEN), 1)])
async def test_a_large_entry_is_not_kept(max_bytes: int, kept: int) -> None:
    cache = InMemoryCandidateCache()
    assert (
        await entries_over(cache, InMemoryChangeLog(), max_bytes=max_bytes).write("key", "1", 7, VECTOR, CANDIDATES)
        == ()
    )
    assert len(cache.entries) == kept


async def test_a_cache_that_does_not_take_an_entry_is_degraded() -> None:
    class Full(InMemoryCandidateCache):
        async def set(self, key: str, value: bytes, ttl_s: float) -> None:
            raise StoreUnavailable("full")

    assert await entries_over(Full(), InMemoryChangeLog()).write("key", "1", 7, VECTOR, CANDIDATES) == ("cache",)
