"""Removing media that no product of any generation shows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

from indexer.errors import CollectionRefused, StoreUnavailable
from indexer.media.collection import CollectionReport, MediaCollector, MediaReferences, read_references
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.registry import GenerationRegistry
from indexer.milvus.store import open_store_to_read
from indexer.redis.turn import RedisTurn
from streams import metrics
from vitrine.generations.pace import rest_s
from vitrine.media_stores import open_media_store
from vitrine.settings import Settings

log = logging.getLogger(__name__)

SHARE = 0.25
"""Of the time that reading an index may take of Milvus: shoppers search meanwhile."""
CHECK_S = 30.0
"""The longest between two looks whose turn it is."""


async def read_all_references(registry: GenerationRegistry, milvus: MilvusConfig) -> MediaReferences | None:
    """What the products of every generation refer to; None where there is no index, or an empty one.

    Raises:
        StoreUnavailable: Milvus does not answer, or a generation went meanwhile.
    """
    generations = await registry.read()
    if generations.active is None:
        return None
    kept = [generations.active, *(other for other in generations.others.values() if other.stage != "dropping")]
    async with AsyncExitStack() as resources:
        stores = [await open_store_to_read(milvus, generation) for generation in kept]
        for store in stores:
            resources.push_async_callback(store.close)
        return await read_references(stores, lambda worked_s: asyncio.sleep(rest_s(worked_s, SHARE)))


async def collect_media(
    settings: Settings, registry: GenerationRegistry, *, rehearse: bool = False, whatever_the_share: bool = False
) -> CollectionReport:
    """Remove what no product shows, once; counts it for the metrics.

    Args:
        settings: with the servers' addresses.
        registry: of the generations.
        rehearse: only count.
        whatever_the_share: also where most files go.

    Raises:
        CollectionRefused: the index does not look whole.
        StoreUnavailable: Milvus or the media store does not answer.
    """
    collector = MediaCollector(open_media_store(settings), settings.media_store.grace_s)
    read = partial(read_all_references, registry, settings.milvus)
    report = await collector.collect(read, rehearse=rehearse, whatever_the_share=whatever_the_share)
    metrics.MEDIA_FILES.set(report.kept)
    metrics.MEDIA_BYTES.set(report.kept_bytes)
    if not rehearse:
        metrics.MEDIA_COLLECTED.inc(report.collected)
        metrics.MEDIA_COLLECTED_BYTES.inc(report.collected_bytes)
    return report


async def collect_in_turns(turn: RedisTurn, every_s: float, collect: Callable[[], Awaitable[CollectionReport]]) -> None:
    """Collect whenever it is this worker's turn, for ever.

    A worker that cannot collect still indexes, so nothing may end it here.
    """
    while True:
        await asyncio.sleep(min(CHECK_S, every_s))
        try:
            if await turn.take():
                await _collect_and_tell(collect)
        except StoreUnavailable as error:
            metrics.MEDIA_COLLECTIONS.labels("unavailable").inc()
            log.info("media_not_collected", extra={"error": str(error)[:300]})
        except CollectionRefused as error:
            metrics.MEDIA_COLLECTIONS.labels("refused").inc()
            log.warning("media_not_collected", extra={"error": str(error)[:300]})
        except Exception:
            metrics.MEDIA_COLLECTIONS.labels("failed").inc()
            log.warning("media_not_collected", exc_info=True)


async def _collect_and_tell(collect: Callable[[], Awaitable[CollectionReport]]) -> None:
    report = await collect()
    metrics.MEDIA_COLLECTIONS.labels("done").inc()
    extra = {"collected": report.collected, "collected_bytes": report.collected_bytes, "kept": report.kept}
    log.info("media_collected", extra=extra | {"kept_bytes": report.kept_bytes, "waiting": report.waiting})
