"""Which products of a source are in the index."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from typing import Final

from indexer.milvus.store import MilvusProductStore, open_store_to_read
from indexer.records import ProductState
from vitrine.generations.active import active_generation
from vitrine.settings import Settings

PAGE: Final = 500


async def published_products(settings: Settings, source: str) -> frozenset[str]:
    """The ids of all products whose last whole statement is of a source, deleted ones apart.

    Args:
        settings: with the servers' addresses.
        source: of the events that created them.

    Raises:
        VitrineError: there is no index yet.
        StoreUnavailable: Milvus does not answer.
    """
    found: set[str] = set()
    async with _store(settings) as store:
        last = ""
        while page := await store.scan_states(last, PAGE):
            last = max(page)
            found |= {product_id for product_id, stored in page.items() if _is_of(stored.state, source)}
    return frozenset(found)


async def count_there(settings: Settings, product_ids: Collection[str]) -> tuple[int, int]:
    """How many of these products are in the index, and how many there are in all. Raises what the other raises."""
    wanted, found = sorted(product_ids), 0
    async with _store(settings) as store:
        for start in range(0, len(wanted), PAGE):
            states = await store.read_states(wanted[start : start + PAGE])
            found += sum(not stored.state.deleted for stored in states.values())
        counts = await store.count()
    return found, counts.searchable + counts.incomplete


def _is_of(state: ProductState, source: str) -> bool:
    return state.base is not None and not state.deleted and state.base.source == source


@asynccontextmanager
async def _store(settings: Settings) -> AsyncGenerator[MilvusProductStore]:
    store = await open_store_to_read(settings.milvus, await active_generation(settings))
    try:
        yield store
    finally:
        await store.close()
