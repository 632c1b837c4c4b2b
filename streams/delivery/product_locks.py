"""Keeping a product in one batch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from encoders.liveness.progress import behind_others


class ProductLocks:
    """Locks on products, taken for whole sets at once, so that no two holders wait for each other.

    A plan starts from what is stored: were a product in two batches at once, the later one would not see what the
    earlier one is about to write. For one event loop.
    """

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Event] = {}
        """Set when a product's holder releases it."""

    @asynccontextmanager
    async def hold(self, product_ids: set[str]) -> AsyncGenerator[None]:
        """Wait until nobody holds any of these products, then hold them all."""
        with behind_others():
            while busy := [self._held[product_id] for product_id in product_ids if product_id in self._held]:
                await busy[0].wait()
        released = asyncio.Event()
        self._held |= dict.fromkeys(product_ids, released)
        try:
            yield
        finally:
            for product_id in product_ids:
                del self._held[product_id]
            released.set()
