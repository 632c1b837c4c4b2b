"""The words of the catalogue, kept fresh in the background: its vocabulary, and what a recogniser expects to hear."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from encoders.speech.port import AdaptableRecogniser
from indexer.errors import StoreUnavailable
from indexer.ports.changes import ChangeLog
from indexer.ports.products import ProductStore
from indexer.records import StoredProduct
from indexer.rows import is_searchable
from indexer.text_analysis.chinese import load_dictionary_for
from query_api.understanding.languages import stemmed_language
from query_api.understanding.spoken_words import SpokenWordCounts, add_price_words
from query_api.understanding.vocabulary import Vocabulary, product_words, vocabulary_texts

log = logging.getLogger(__name__)

PAGE_SIZE = 64
"""Products read at once: reading and counting so many holds queries up by 2 ms."""
PAUSE_S = 0.02
"""Between two pages, for queries."""
MAX_REMEMBERED = 200_000
"""How many products' words are remembered as counted; some 12 MB."""
RECOGNISER_RESTS = 20
"""For so many times as long as an update of the recogniser took, there is no other: a catalogue that changes all the
time takes a twentieth of a processor for it at most."""


@dataclass(frozen=True, slots=True)
class RefreshIntervals:
    """How often what is known of words is brought up to date, in seconds."""

    poll_s: float = 2.0
    """Between two looks for changes."""
    recount_s: float = 3_600.0
    """After so long, words are counted anew if there were changes: words that no product has any more go then."""
    retry_s: float = 5.0
    """Before another attempt, when counting failed."""
    recogniser_s: float = 30.0
    """Between two updates of the recogniser at least; of one that runs, each takes a processor for some seconds."""


class CountedWords:
    """Words with their counts, as they are written and as they may be said.

    Most changes are of prices and stock: a product whose words were counted is not counted again. Not thread-safe.
    """

    def __init__(self, max_remembered: int = MAX_REMEMBERED) -> None:
        """Args: max_remembered: of more products, which were counted is forgotten, and they may be again."""
        self.vocabulary = Vocabulary()
        self.spoken = SpokenWordCounts()
        self._max_remembered = max_remembered
        self._remembered: set[int] = set()

    def add(self, product_id: str, stored: StoredProduct, is_new: bool) -> None:
        """Count a product, if it is searchable. Args: is_new: it was not counted before, with whatever words."""
        if not is_searchable(stored):
            return
        fields = stored.state.fields
        words = product_words(fields)
        # What the vocabulary was cut to may lack any word that it was told.
        seen = hash((product_id, frozenset(words), self.vocabulary.trims))
        if seen in self._remembered:
            return
        if len(self._remembered) >= self._max_remembered:
            self._remembered.clear()
        self._remembered.add(seen)
        count = self.vocabulary.add if is_new else self.vocabulary.add_new
        count(words, stemmed_language(fields))
        self.spoken.add(fields)


class CatalogueVocabulary:
    """The words of a product store, as of some seconds ago.

    Words of new and changed products are known within `poll_s`. Words that went with their last product are forgotten,
    and counts are exact again, when all products are counted anew.

    Attributes:
        vocabulary: the words as they are written; None: the products have not been counted yet.
        spoken_counts: what shoppers may say, counted with it.
    """

    def __init__(self, store: ProductStore, change_log: ChangeLog, intervals: RefreshIntervals) -> None:
        self._store = store
        self._change_log = change_log
        self._intervals = intervals
        self.vocabulary: Vocabulary | None = None
        self._count_number = 0
        self.spoken_counts: SpokenWordCounts | None = None

    async def run(self) -> None:
        """Count the words, then follow the changes, until cancelled. Failures are logged, and tried again."""
        while True:
            try:
                position = await self._position()
                counted = await self._count()
                self.vocabulary, self.spoken_counts = counted.vocabulary, counted.spoken
                self._count_number += 1
                log.info("vocabulary_counted", extra={"words": len(self.vocabulary)})
                await self._follow_changes(counted, position)
            except StoreUnavailable as error:
                log.warning("vocabulary_waits", extra={"reason": str(error)})
            except Exception:
                # Whatever it is, queries go on without corrections.
                log.exception("vocabulary_failed")
            await asyncio.sleep(self._intervals.retry_s)

    @property
    def version(self) -> int:
        """Another one than before where words were forgotten, or their counts are others; not for words that came."""
        return self._count_number + (self.vocabulary.trims if self.vocabulary is not None else 0)

    async def _position(self) -> int | None:
        """The position of the change log; None: it does not answer."""
        try:
            return await self._change_log.position()
        except StoreUnavailable:
            return None

    async def _count(self) -> CountedWords:
        counted = CountedWords()
        after = ""
        while page := await self._store.scan_states(after, PAGE_SIZE):
            await _load_dictionary(page)
            for product_id, stored in page.items():
                counted.add(product_id, stored, is_new=True)
            after = max(page)
            await asyncio.sleep(PAUSE_S)
        return counted

    async def _follow_changes(self, counted: CountedWords, position: int | None) -> None:
        """Add the words of changed products, until it is time to count anew.

        Args:
            counted: what to add to.
            position: the change log's when counting began; None: not known.
        """
        recount_at_s, changed = time.monotonic() + self._intervals.recount_s, False
        while time.monotonic() < recount_at_s or not changed:
            await asyncio.sleep(self._intervals.poll_s)
            try:
                changes = await self._change_log.since(position) if position is not None else None
            except StoreUnavailable:
                continue
            if changes is None:
                # The log has lost what happened since the position: only counting anew will tell.
                position, changed = await self._position(), True
            elif changes[1]:
                await self._add_products(counted, changes[1])
                position, changed = changes[0], True

    async def _add_products(self, counted: CountedWords, product_ids: Sequence[str]) -> None:
        for start in range(0, len(product_ids), PAGE_SIZE):
            page = await self._store.read_states(product_ids[start : start + PAGE_SIZE])
            await _load_dictionary(page)
            for product_id, stored in page.items():
                counted.add(product_id, stored, is_new=False)
            await asyncio.sleep(PAUSE_S)


class RecogniserUpdater:
    """Adapts a recogniser to the catalogue's words: before anybody speaks, and again as the catalogue changes."""

    def __init__(
        self,
        words: CatalogueVocabulary,
        recogniser: AdaptableRecogniser | None,
        intervals: RefreshIntervals,
    ) -> None:
        """Args: recogniser: None: there is none to adapt."""
        self._words = words
        self._recogniser = recogniser
        self._intervals = intervals
        self._last_update: tuple[SpokenWordCounts, int] | None = None

    async def run(self) -> None:
        """Adapt it whenever there are new words, until cancelled; returns at once if it cannot be adapted."""
        while self._recogniser is not None and self._recogniser.is_adaptable:
            began_s, rest_s = time.monotonic(), 0.0
            try:
                await self.update(self._recogniser)
                rest_s = RECOGNISER_RESTS * (time.monotonic() - began_s)
            except Exception as error:
                # It goes on with the words that it was given before.
                log.warning("recogniser_not_taught", extra={"reason": str(error)[:300]})
            # Until the words have been counted there is nothing to be gained by waiting.
            between_s = self._intervals.recogniser_s if self._last_update else self._intervals.poll_s
            await asyncio.sleep(max(between_s, rest_s))

    async def update(self, recogniser: AdaptableRecogniser) -> None:
        """Adapt it to the words as they are now, unless they have been the same at the last update."""
        counts = self._words.spoken_counts
        if counts is None or not counts.change_count or self._last_update == (counts, counts.change_count):
            return
        # The count as it was before: words that come while it adapts are of the next update.
        update = counts, counts.change_count
        await recogniser.adapt(add_price_words(counts.spoken_words()))
        self._last_update = update


async def _load_dictionary(page: Mapping[str, StoredProduct]) -> None:
    await load_dictionary_for(text for stored in page.values() for text in vocabulary_texts(stored.state.fields))
