"""Writing: rows go to the index one batch at a time, while this worker may still write them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from encoders.liveness.progress import behind_others
from encoders.tracing.spans import MILVUS
from indexer.errors import StoreUnavailable
from indexer.ports.products import ProductStore
from indexer.records import IndexRow
from streams import metrics
from streams.delivery.availability import until_available
from streams.delivery.lease import WriteLease
from streams.products.write_reconciler import WriteReconciler


class IndexWriter:
    """Writes rows within the lease; a write that got no answer is one that the reconciler watches for."""

    def __init__(self, store: ProductStore, lease: WriteLease, reconciler: WriteReconciler) -> None:
        self._store = store
        self._lease = lease
        self._reconciler = reconciler
        self._one_at_a_time = asyncio.Lock()

    async def write(self, rows: Sequence[IndexRow], check_owned: Callable[[], None]) -> None:
        """Write rows durably, however long the index is away; with none, nothing is asked of it.

        Args:
            rows: of distinct products.
            check_owned: raises `PartitionsLost` once the products' partitions are another worker's; called before
                each try.

        Raises:
            PartitionsLost: as `check_owned` raises it.
            InvalidRecord: before anything is written.
        """
        if not rows:
            return
        with behind_others():
            await self._one_at_a_time.acquire()
        try:
            # Timed within the lock: waiting for the batch before does not count.
            with metrics.stage("write", "client", MILVUS):
                await until_available("milvus", lambda: self._try(rows, check_owned))
        finally:
            self._one_at_a_time.release()

    async def _try(self, rows: Sequence[IndexRow], check_owned: Callable[[], None]) -> None:
        try:
            await self._store.write(rows, await self._lease.deadline(check_owned))
        except StoreUnavailable:
            self._reconciler.open_window()
            raise
