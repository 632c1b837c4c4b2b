"""Late writes: what an earlier request, thought lost, did to rows that were written since."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from indexer.ports import ProductStore
from indexer.records import IndexRow, ProductChange, ProductState, merge_all
from streams import metrics
from streams.errors import PartitionsLost
from streams.retrying import until_available

CHECK_S = 1.0
READ_CHUNK = 256
MOST_WATCHED = 10_000
"""Some 30 MB of product states."""

log = logging.getLogger(__name__)

Repair = Callable[[Sequence[ProductChange], Callable[[], None]], Awaitable[None]]
"""Merges changes into the index; the callable raises when it must not any more."""


class LateWrites:
    """Watches rows that a late write may still overwrite, and has them written again where one did.

    A request may land after its deadline, and after its sender has died: no deadline of ours ends a packet's way
    through the network, and the index cannot compare before it sets. It may for `window_s` after partitions have come
    from another worker, or after a write got no answer. What is written meanwhile is remembered, read again when the
    window is over, and merged with what is there: merging is a lattice join, so nothing newer is ever undone.
    """

    def __init__(
        self, store: ProductStore, repair: Repair, window_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._repair = repair
        self._window_s = window_s
        self._clock = clock
        self._ends = float("-inf")
        self._watched: dict[str, ProductState] = {}

    def expect(self) -> None:
        """From now on, and for the length of the window, a late write may land."""
        self._ends = self._clock() + self._window_s

    def wrote(self, rows: Iterable[IndexRow]) -> None:
        """Note rows that have just become durable."""
        watching = self._clock() < self._ends
        for row in rows:
            # After the window, too, the latest state of what is still watched is the one that must be there.
            if row.product_id in self._watched or (watching and len(self._watched) < MOST_WATCHED):
                self._watched[row.product_id] = row.stored.state
        metrics.WATCHED_ROWS.set(len(self._watched))

    def forget(self) -> None:
        """Leave the rows to the worker that owns their partitions now."""
        self._watched = {}
        metrics.WATCHED_ROWS.set(0)

    async def run(self) -> None:
        """Check what is watched whenever a window is over, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_S)
            if self._watched and self._clock() >= self._ends:
                await self.check()

    async def check(self) -> None:
        """Read all that is watched again, and repair what is not as it was written."""
        watched = self._watched

        def still_watched() -> None:
            if self._watched is not watched:
                raise PartitionsLost("another worker owns the rows now")

        while watched:
            product_ids = list(watched)[:READ_CHUNK]
            found = await until_available("milvus", lambda ids=product_ids: self._store.read(ids))
            for product_id in product_ids:
                written = watched.pop(product_id, None)
                there = found[product_id][0].state if product_id in found else ProductState()
                if written is not None and merge_all(there, written.changes(product_id)) != there:
                    await self._write_again(product_id, written, still_watched)
            metrics.WATCHED_ROWS.set(len(self._watched))

    async def _write_again(self, product_id: str, state: ProductState, still_watched: Callable[[], None]) -> None:
        log.warning("late_write_found")
        metrics.LATE_WRITES.inc()
        try:
            await self._repair(state.changes(product_id), still_watched)
        except PartitionsLost:
            return
