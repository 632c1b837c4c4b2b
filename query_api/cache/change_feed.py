"""One reader of the change log for a whole process: what is kept of the index is told of each change once.

A request is as fresh as a reading of the log that was sent after it came. One reading is under way at a time; all
requests that come meanwhile share the next.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from encoders.spec import FloatArray
from encoders.tracing.spans import traced
from indexer.errors import InvalidRecord, StoreUnavailable
from indexer.ports.changes import ChangeLog, LogPosition, LogReading
from indexer.ports.products import ProductStore
from indexer.records import IndexRow, ProductState, StoredProduct
from indexer.rows import build_row, embedding_text
from indexer.text_analysis.chinese import load_dictionary_for
from query_api.circuit_breaker import CircuitBreaker
from query_api.shared_reads import SharedReads

log = logging.getLogger(__name__)

ROWS_KEPT = 1_024
"""How many of the latest changes are kept for what was begun before them, as searches under way; some 10 MB."""
ROWS_DEADLINE_S = 1.0
"""How long to wait for changed rows; later, a product that changed counts as one that may be anything."""
_NOT_STORED = StoredProduct(ProductState())
_NO_VECTOR = np.empty(0, np.float32)


class FeedPosition(NamedTuple):
    """How far the feed has read; a greater one is later."""

    life: int
    """How often the feed had to begin anew."""
    sequence: int
    """Of the latest change."""


@dataclass(frozen=True, slots=True)
class ChangedProduct:
    """A product that changed."""

    product_id: str
    row: IndexRow | None
    """As it is now, without its stored state; None: it could not be read, and may be anything."""


class KeepsProducts(Protocol):
    """Something that keeps products as they are in the index."""

    def forget(self, product_ids: Sequence[str]) -> None:
        """These products changed; what is read of them from now on is new."""
        ...

    def clear(self) -> None:
        """Anything may have changed."""
        ...


class KeepsResults(Protocol):
    """Something that keeps what was found in the index."""

    def apply(self, changed: Sequence[ChangedProduct]) -> None:
        """These products changed, and are like this now."""
        ...

    def clear(self) -> None:
        """Anything may have changed."""
        ...


class ChangeFeed:
    """Follows the change log of one generation, as far as requests ask for it. For one event loop."""

    def __init__(
        self, change_log: ChangeLog, store: ProductStore, circuit: CircuitBreaker, max_changes: int = 256
    ) -> None:
        """Args: max_changes: with more products at once, everything that is kept is dropped instead of looked at."""
        self._change_log = change_log
        self._store = store
        self._circuit = circuit
        self._max_changes = max_changes
        self._products: list[KeepsProducts] = []
        self._results: list[KeepsResults] = []
        self._read: LogPosition | None = None
        self._life = 0
        self.told_s = -math.inf
        """Until when, in seconds of the monotonic clock, subscribers know of every change."""
        self._recent: deque[tuple[int, Sequence[ChangedProduct]]] = deque()
        self._recent_after = 0
        self._readings = SharedReads(self._read_for)

    @property
    def position(self) -> FeedPosition:
        """How far it has read."""
        return FeedPosition(self._life, self._read.sequence if self._read else 0)

    @property
    def epoch(self) -> str:
        """The life of the change log's server."""
        return self._read.epoch if self._read else ""

    def tell_first(self, keeper: KeepsProducts) -> None:
        """Tell it of changes from now on, before anything is made of the changed products."""
        self._products.append(keeper)

    def tell(self, keeper: KeepsResults) -> None:
        """Tell it of changes from now on."""
        self._results.append(keeper)

    @traced("catch up")
    async def catch_up(self) -> FeedPosition:
        """How far it has read, once subscribers know of every change that was noted before this call.

        Raises:
            StoreUnavailable: the change log does not answer.
        """
        await self._readings.ask(None)
        return self.position

    def since(self, position: FeedPosition) -> list[ChangedProduct] | None:
        """The products that changed after a position, oldest changes first; None: that is not known any more."""
        if position.life != self._life or position.sequence < self._recent_after:
            return None
        return [changed for at, batch in self._recent if at > position.sequence for changed in batch]

    async def aclose(self) -> None:
        """Stop reading; who waits is told that the log does not answer."""
        await self._readings.aclose()
        await self._change_log.aclose()

    async def _read_for(self, waiting: Sequence[None]) -> Sequence[None]:
        """Read once for all who wait."""
        sent_s = time.monotonic()
        reading = await self._circuit.call(lambda: self._change_log.read(self._read))
        if reading.changed is None or len(reading.changed) > self._max_changes:
            self._begin_anew(reading.position)
        elif reading.changed:
            try:
                await self._take(reading, reading.changed)
            except Exception as error:
                # Who was told half of it may keep what is not true any more; and it would fail again and again.
                log.error("change_not_told", extra={"error": type(error).__name__})
                self._begin_anew(reading.position)
        self.told_s = sent_s
        return waiting

    def _begin_anew(self, position: LogPosition) -> None:
        for keeper in (*self._products, *self._results):
            keeper.clear()
        self._read = position
        self._life += 1
        self._recent.clear()
        self._recent_after = position.sequence

    async def _take(self, reading: LogReading, product_ids: Sequence[str]) -> None:
        for keeper in self._products:
            keeper.forget(product_ids)
        changed = await self._changed_products(product_ids)
        self._read = reading.position
        self._recent.append((reading.position.sequence, changed))
        while sum(len(batch) for _, batch in self._recent) > ROWS_KEPT:
            self._recent_after, _ = self._recent.popleft()
        for keeper in self._results:
            keeper.apply(changed)

    async def _changed_products(self, product_ids: Sequence[str]) -> list[ChangedProduct]:
        try:
            async with asyncio.timeout(ROWS_DEADLINE_S):
                stored = await self._store.read(product_ids)
                await load_dictionary_for(embedding_text(product.text_fields) for product, _ in stored.values())
        except (StoreUnavailable, TimeoutError):
            return [ChangedProduct(product_id, None) for product_id in product_ids]
        return [
            ChangedProduct(
                product_id, _row(product_id, *stored[product_id]) if product_id in stored else _gone(product_id)
            )
            for product_id in product_ids
        ]


def _row(product_id: str, stored: StoredProduct, vector: FloatArray) -> IndexRow | None:
    try:
        return replace(build_row(product_id, stored, vector), stored=_NOT_STORED)
    except InvalidRecord:
        return None


def _gone(product_id: str) -> IndexRow:
    return IndexRow(product_id, _NOT_STORED, _NO_VECTOR, searchable=False)
