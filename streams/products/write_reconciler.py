"""The write reconciler: finds rows that an earlier request, thought lost, has set back, and has them written again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from encoders.liveness.progress import Pulse
from indexer.ports.products import ProductStore
from indexer.records import IndexRow, ProductChange, ProductState, merge_all
from streams import metrics
from streams.delivery.availability import until_available
from streams.errors import PartitionsLost

CHECK_INTERVAL_S = 1.0
FIRST_CHECK_S = 4.0
"""After a window has opened what is watched is read again, and once twice as long is over, and so on: a write that
lands late stays for as long again as it was late."""
READ_CHUNK = 256
MAX_WATCHED_ROWS = 10_000
"""Some 30 MB of product states."""

log = logging.getLogger(__name__)

Repair = Callable[[Sequence[ProductChange], Callable[[], None]], Awaitable[None]]
"""Merges changes into the index; the callable raises when it must not any more."""


@dataclass(frozen=True, slots=True)
class _Written:
    partition: int
    state: ProductState


class WriteReconciler:
    """Watches rows that a late write may still overwrite, and has them written again where one did.

    A request may land after its deadline, and after its sender has died: no deadline of ours ends a packet's way
    through the network, and the index cannot compare before it sets. It may for `window_s` after partitions have come
    from another worker, or after a write got no answer. What is written meanwhile is remembered, read again in the
    window and when it is over, and merged with what is there: merging is a lattice join, so nothing newer is undone.
    """

    def __init__(
        self, store: ProductStore, repair: Repair, window_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._repair = repair
        self._window_s = window_s
        self._clock = clock
        self._opened = self._window_ends = self._next_check = float("-inf")
        self._watched: dict[str, _Written] = {}
        self._ownership: object | None = object()
        """This worker's present hold of its partitions; None while the group shares them out anew."""

    def open_window(self) -> None:
        """From now on, and for the length of the window, a late write may land."""
        self._opened = self._clock()
        self._window_ends = self._opened + self._window_s
        self._next_check = min(self._opened + FIRST_CHECK_S, self._window_ends)

    def record_written(self, rows: Iterable[IndexRow], partitions: Mapping[str, int]) -> None:
        """Note rows that have just become durable, with the partitions of their products by product id."""
        watching = self._clock() < self._window_ends
        for row in rows:
            # After the window, too, the latest state of what is still watched is the one that must be there.
            known = self._watched.get(row.product_id)
            if known is not None or (watching and len(self._watched) < MAX_WATCHED_ROWS):
                state = row.stored.state
                if known is not None:
                    # Made of what was read in the middle of a late write, it may lack what is known to be there.
                    state = merge_all(state, known.state.changes(row.product_id))
                self._watched[row.product_id] = _Written(partitions[row.product_id], state)
        metrics.WATCHED_ROWS.set(len(self._watched))

    def pause(self) -> None:
        """Write nothing while partitions are shared out anew."""
        self._ownership = None

    def resume(self, partitions: Collection[int]) -> None:
        """Go on with the rows of these partitions; those of others are left to their new owners."""
        self._watched = {
            product_id: written for product_id, written in self._watched.items() if written.partition in partitions
        }
        self._ownership = object()
        self.open_window()

    async def run(self, pulse: Pulse | None = None) -> None:
        """Check what is watched while a window is open and when it is over, until cancelled."""
        pulse = pulse or Pulse("write reconciler", float("inf"))
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            if self.is_due():
                with pulse.busy("read rows again"):
                    await self.check()

    def is_due(self) -> bool:
        """Whether something is watched that is to be checked now."""
        return bool(self._watched) and self._clock() >= self._next_check

    async def check(self) -> None:
        """Reconcile, and watch no longer once the window is over."""
        began, ends = self._clock(), self._window_ends
        if not await self.reconcile() or self._window_ends != ends:
            # Where another window has opened meanwhile, what was read then says nothing of it.
            return
        if began < ends:
            self._next_check = min(2 * began - self._opened, ends)
            return
        self._watched = {}
        metrics.WATCHED_ROWS.set(0)

    async def reconcile(self) -> bool:
        """Read all that is watched again, and repair what is not as it was written; False: partitions are moving."""
        ownership = self._ownership

        def check_owned() -> None:
            if self._ownership is not ownership or ownership is None:
                raise PartitionsLost("the rows may be another worker's by now")

        watched = list(self._watched.items())
        try:
            for start in range(0, len(watched), READ_CHUNK):
                await self._reconcile_chunk(dict(watched[start : start + READ_CHUNK]), check_owned)
        except PartitionsLost:
            return False
        return True

    async def _reconcile_chunk(self, written: Mapping[str, _Written], check_owned: Callable[[], None]) -> None:
        stored = await until_available("milvus", lambda: self._store.read_states(list(written)))
        for product_id, row in written.items():
            check_owned()
            state = stored[product_id].state if product_id in stored else ProductState()
            # Nearly all are as they were written: merging each field into itself costs a hundred times as much.
            if state == row.state:
                continue
            changes = row.state.changes(product_id)
            if merge_all(state, changes) != state:
                log.warning("late_write_found")
                metrics.LATE_WRITES_REPAIRED.inc()
                await self._repair(changes, check_owned)
