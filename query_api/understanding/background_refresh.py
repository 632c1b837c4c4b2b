"""What is known of words, kept fresh in the background: the catalogue's vocabulary and the merchant's synonyms."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from encoders.speech.port import AdaptableRecogniser
from indexer.errors import StoreUnavailable
from indexer.ports import ChangeLog, ProductStore
from indexer.rows import is_searchable
from query_api.errors import InvalidSynonyms
from query_api.understanding.spoken_prices import add_price_words
from query_api.understanding.spoken_words import SpokenWordCounts
from query_api.understanding.synonyms import Synonyms, read_synonyms
from query_api.understanding.vocabulary import Vocabulary, product_words

log = logging.getLogger(__name__)

PAGE_SIZE = 64
"""Products read at once: reading and counting them holds queries up by 2 ms."""
PAUSE_S = 0.02
POLL_S = 2.0
"""How often changes are looked for."""
RECOUNT_INTERVAL_S = 3_600.0
"""After so long, words are counted anew if there were changes: what no product has any more is forgotten then."""
RETRY_S = 5.0
RECOGNISER_INTERVAL_S = 30.0
"""How often a recogniser is taught changes: each lesson takes a processor for some seconds."""


class CatalogueVocabulary:
    """The vocabulary of a product store, as of some seconds ago.

    Words of new and changed products are known within `POLL_S`; those that went with their last product are
    forgotten, and counts are right again, when all products are counted anew.
    """

    def __init__(self, store: ProductStore, change_log: ChangeLog) -> None:
        self._store = store
        self._change_log = change_log
        self.vocabulary: Vocabulary | None = None
        """None: the products have not been counted yet."""
        self.spoken_counts: SpokenWordCounts | None = None
        """What shoppers may say, counted with it."""

    async def run(self) -> None:
        """Count the words, then follow the changes, until cancelled."""
        while True:
            try:
                position = await self._position()
                self.vocabulary, self.spoken_counts = await self._count()
                log.info("vocabulary_counted", extra={"words": len(self.vocabulary)})
                await self._follow_changes(self.vocabulary, self.spoken_counts, position)
            except StoreUnavailable as error:
                log.warning("vocabulary_waits", extra={"reason": str(error)})
            except Exception:
                # Queries go on without corrections, whatever it is.
                log.exception("vocabulary_failed")
            await asyncio.sleep(RETRY_S)

    async def _position(self) -> int | None:
        """Where the change log stands; None: it does not answer."""
        try:
            return await self._change_log.position()
        except StoreUnavailable:
            return None

    async def _count(self) -> tuple[Vocabulary, SpokenWordCounts]:
        vocabulary, spoken = Vocabulary(), SpokenWordCounts()
        after = ""
        while page := await self._store.scan(after, PAGE_SIZE):
            for stored, _ in page.values():
                if is_searchable(stored):
                    vocabulary.add(product_words(stored.state.fields))
                    spoken.add(stored.state.fields)
            after = max(page)
            await asyncio.sleep(PAUSE_S)
        return vocabulary, spoken

    async def _follow_changes(self, vocabulary: Vocabulary, spoken: SpokenWordCounts, position: int | None) -> None:
        """Learn from changes, until it is time to count anew."""
        until, changed = time.monotonic() + RECOUNT_INTERVAL_S, False
        while time.monotonic() < until or not changed:
            await asyncio.sleep(POLL_S)
            try:
                changes = await self._change_log.since(position) if position is not None else None
            except StoreUnavailable:
                continue
            if changes is None:
                # The log forgot, or lost, what happened since: the next count will tell.
                position, changed = await self._position(), True
            elif changes[1]:
                await self._learn(vocabulary, spoken, changes[1])
                position, changed = changes[0], True

    async def _learn(self, vocabulary: Vocabulary, spoken: SpokenWordCounts, product_ids: Sequence[str]) -> None:
        for start in range(0, len(product_ids), PAGE_SIZE):
            found = await self._store.read(product_ids[start : start + PAGE_SIZE])
            for stored, _ in found.values():
                if is_searchable(stored):
                    vocabulary.add_new(product_words(stored.state.fields))
                    spoken.add(stored.state.fields)
            await asyncio.sleep(PAUSE_S)


class RecogniserUpdater:
    """Has a recogniser expect the catalogue's words: before anybody speaks, and again as the catalogue changes."""

    def __init__(self, words: CatalogueVocabulary, recogniser: AdaptableRecogniser | None) -> None:
        """Args: recogniser: None: there is nobody to teach."""
        self._words = words
        self._recogniser = recogniser
        self._last_update: tuple[SpokenWordCounts, int] | None = None

    async def run(self) -> None:
        """Teach, until cancelled."""
        while self._recogniser is not None and self._recogniser.is_adaptable:
            try:
                await self.update(self._recogniser)
            except Exception as error:
                # What it has learnt before is good enough to go on with.
                log.warning("recogniser_not_taught", extra={"reason": str(error)[:300]})
            await asyncio.sleep(RECOGNISER_INTERVAL_S if self._recogniser.is_running else POLL_S)

    async def update(self, recogniser: AdaptableRecogniser) -> None:
        """Teach what is new, if there is anything."""
        counts = self._words.spoken_counts
        if counts is None or not counts.change_count or self._last_update == (counts, counts.change_count):
            return
        self._last_update = counts, counts.change_count
        await recogniser.adapt(add_price_words(counts.spoken_words()))


class SynonymFile:
    """The synonyms of a file, read anew when it changes; one that became unreadable leaves the former ones in force."""

    def __init__(self, path: str) -> None:
        """Read the file; no path, no synonyms. Raises `InvalidSynonyms`."""
        self._path = Path(path) if path else None
        self._file_stamp = self._read_file_stamp()
        self.synonyms = read_synonyms(self._path) if self._path else Synonyms()

    async def run(self) -> None:
        """Look for changes of the file, until cancelled."""
        while self._path is not None:
            await asyncio.sleep(POLL_S)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Read the file if it changed."""
        stamp = self._read_file_stamp()
        if self._path is None or stamp == self._file_stamp:
            return
        self._file_stamp = stamp
        try:
            self.synonyms = read_synonyms(self._path)
            log.info("synonyms_read")
        except InvalidSynonyms as error:
            log.error("synonyms_refused", extra={"reason": str(error)})

    def _read_file_stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat() if self._path else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None
