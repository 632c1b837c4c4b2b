"""What a process keeps of hot queries stays within its bounds."""

from __future__ import annotations

from encoders.port import HashEncoder
from indexer.in_memory_store import InMemoryProductStore
from indexer.redis.change_log import InMemoryChangeLog
from query_api.cache.change_feed import ChangeFeed
from query_api.cache.live_entries import MAX_SHOPPERS, LiveEntries, LiveLimits
from query_api.cache.live_entry import LiveEntry
from query_api.cache.pages import Page, PageKey
from query_api.circuit_breaker import CircuitBreaker
from query_api.retrieval.candidate_columns import CandidateColumns
from query_api.retrieval.candidate_set import CandidateSet, RetrievalQuery


def test_shoppers_of_one_search_push_out_each_other_and_nothing_else() -> None:
    feed = ChangeFeed(InMemoryChangeLog(), InMemoryProductStore(HashEncoder().spec), CircuitBreaker(1.0))
    live = LiveEntries(feed, LiveLimits())
    candidates = CandidateSet(CandidateColumns.of(()), None, None, False, 0)
    entry = live.install(LiveEntry("key", RetrievalQuery(None, "mug"), candidates, frozenset()), feed.position)
    assert entry is not None
    page, anybodys, any_shoppers = Page(b"", b"", b"", 0, 0), PageKey(b"mug", ()), PageKey(b"mug", (), shopper="")
    keys = [PageKey(b"mug", (), shopper=f"shopper-{number}") for number in range(3 * MAX_SHOPPERS)]
    for key in (anybodys, any_shoppers, *keys):
        live.keep_page(entry, key, page)
    assert [key for key in keys if live.entry_of(key)] == keys[-MAX_SHOPPERS:]
    assert live.entry_of(anybodys) and live.entry_of(any_shoppers)
    live.clear()
    assert not live.held_bytes
