"""What a process keeps of hot queries: candidates and the pages made of them, true to the last reading of the feed."""

from __future__ import annotations

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.records import IndexRow
from query_api.cache.change_feed import ChangedProduct, ChangeFeed, FeedPosition
from query_api.cache.live_entry import ForTastes, LiveEntry
from query_api.cache.pages import Page, PageKey
from query_api.cache.query_floors import QueryFloors

MAX_SHOPPERS = 64
"""How many pages of shoppers are kept of one search."""


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """How much is kept, and how long."""

    max_bytes: int = 64 * 2**20
    """Of candidates, what is needed to watch them, and pages; what was used last stays."""
    ttl_s: float = 60.0
    max_changes: int = 256
    """Candidates that more changed products touched are searched anew."""


class LiveEntries:
    """Entries by key, told of changes by the feed. For one event loop."""

    def __init__(self, feed: ChangeFeed, limits: LiveLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._feed = feed
        self._limits = limits
        self._clock = clock
        self._entries: OrderedDict[str, LiveEntry] = OrderedDict()
        self._of_page: dict[PageKey, LiveEntry] = {}
        self._floors: QueryFloors[LiveEntry] = QueryFloors()
        self._places: dict[str, int] = {}
        self._by_term: defaultdict[str, set[LiveEntry]] = defaultdict(set)
        self._admitting_all: set[LiveEntry] = set()
        self.held_bytes = 0
        feed.tell(self)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> LiveEntry | None:
        """The entry of a key, which may have been touched; None: there is none any more."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock() >= entry.expires_s:
            self._remove(entry)
            return None
        self._entries.move_to_end(key)
        return entry

    def entry_of(self, key: PageKey) -> LiveEntry | None:
        """The entry with a finished page that is as true as the feed's last reading; None: there is no such page."""
        entry = self._of_page.get(key)
        return entry if entry is not None and self.get(entry.key) is entry else None

    def install(self, entry: LiveEntry, as_of: FeedPosition) -> LiveEntry | None:
        """Keep an entry, in the place of an older one; None: it cannot be told what happened since, or too much did.

        Args:
            as_of: what the feed had read before the candidates were searched for.
        """
        missed = self._feed.since(as_of)
        older = self._entries.get(entry.key)
        if older is not None:
            self._remove(older)
        if missed is None:
            return None
        entry.touched |= entry.touched_by(missed)
        if not entry.can_be_refreshed(self._limits.max_changes):
            return None
        entry.expires_s = self._clock() + self._limits.ttl_s
        self._add(entry)
        return entry if entry.key in self._entries else None

    def keep_page(self, entry: LiveEntry, key: PageKey, page: Page, for_tastes: ForTastes | None = None) -> None:
        """Keep a page that was made of an entry, unless the entry was touched or replaced meanwhile.

        Args:
            for_tastes: what shoppers' orders are made of, where the page is one for them.
        """
        if self._entries.get(entry.key) is not entry or entry.touched:
            return
        self._drop_page(key)
        if key.shopper:
            self._make_room(entry)
        if for_tastes is not None and entry.for_tastes is None:
            entry.for_tastes = for_tastes
            entry.byte_size += for_tastes.byte_size
            self.held_bytes += for_tastes.byte_size
        entry.pages[key] = page
        self._of_page[key] = entry
        self.held_bytes += page.byte_size
        self._trim()

    def apply(self, changed: Sequence[ChangedProduct]) -> None:
        """Note what changed products touch, and drop the pages made of it."""
        touched: defaultdict[LiveEntry, set[str]] = defaultdict(set)
        ids = frozenset(product.product_id for product in changed)
        unread = {product.product_id for product in changed if product.row is None}
        for entry in self._entries.values():
            own = (ids & entry.product_ids) | (ids & entry.asked_with) | unread
            if own:
                touched[entry] |= own
        rows = [product.row for product in changed if product.row is not None and product.row.searchable]
        for row, entries in zip(rows, self._admitting(rows), strict=True):
            for entry in entries:
                if row.product_id not in touched.get(entry, ()) and entry.passes(row):
                    touched[entry].add(row.product_id)
        for entry, product_ids in touched.items():
            self._touch(entry, product_ids)

    def clear(self) -> None:
        """Drop everything."""
        for entry in list(self._entries.values()):
            self._remove(entry)

    def _admitting(self, rows: Sequence[IndexRow]) -> Iterable[set[LiveEntry]]:
        """For each product, the entries to which it may belong if it passes their filters."""
        if not rows:
            return []
        reached = self._floors.reached_by(np.stack([row.vector for row in rows]))
        words = [[self._by_term[term] for term in set(row.lexical.split()) if term in self._by_term] for row in rows]
        return [
            self._admitting_all.union(near, *sharing) for near, sharing in zip(reached, words, strict=True)
        ]  # fmt: skip

    def _touch(self, entry: LiveEntry, product_ids: set[str]) -> None:
        entry.touched |= product_ids
        self._drop_pages(entry)
        if not entry.can_be_refreshed(self._limits.max_changes):
            self._remove(entry)

    def _add(self, entry: LiveEntry) -> None:
        self._entries[entry.key] = entry
        self.held_bytes += entry.byte_size
        if entry.admits_all:
            self._admitting_all.add(entry)
        elif entry.query.vector is not None:
            self._places[entry.key] = self._floors.add(entry, entry.query.vector, entry.floor)
        for term in entry.terms:
            self._by_term[term].add(entry)
        self._trim()

    def _remove(self, entry: LiveEntry) -> None:
        del self._entries[entry.key]
        self._drop_pages(entry)
        self.held_bytes -= entry.byte_size
        self._admitting_all.discard(entry)
        place = self._places.pop(entry.key, None)
        if place is not None:
            self._floors.remove(place)
        for term in entry.terms:
            self._by_term[term].discard(entry)
            if not self._by_term[term]:
                del self._by_term[term]

    def _make_room(self, entry: LiveEntry) -> None:
        """Shoppers' pages of one entry are few: one that many ask for must not push out all others."""
        own = [key for key in entry.pages if key.shopper]
        for key in own[: max(0, len(own) + 1 - MAX_SHOPPERS)]:
            self._drop_page(key)

    def _drop_pages(self, entry: LiveEntry) -> None:
        for key in list(entry.pages):
            self._drop_page(key)

    def _drop_page(self, key: PageKey) -> None:
        entry = self._of_page.pop(key, None)
        if entry is not None:
            self.held_bytes -= entry.pages.pop(key).byte_size

    def _trim(self) -> None:
        while self.held_bytes > self._limits.max_bytes:
            self._remove(next(iter(self._entries.values())))
