"""The indexing worker: Kafka → encoder → Milvus, composed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

import faust
from redis.asyncio import Redis

from encoders.decoding import DecoderPool
from encoders.encoding import EncoderProcess
from indexer.change_log import RedisChangeLog
from indexer.media import DirectoryMediaStore
from indexer.milvus import open_store
from indexer.profiles import RedisProfileStore
from indexer.redis_client import connect
from streams import metrics
from streams.agents import FaustPublisher, Membership, add_agents, build_app
from streams.batching import BatchLimits, MicroBatcher
from streams.config import IndexingConfig
from streams.decoding import Horizon
from streams.events import PRODUCT_EVENTS, USER_EVENTS
from streams.fetching import MediaFetcher
from streams.health import health_server
from streams.indexing import ProductPipeline
from streams.lease import WriteLease
from streams.messages import PrefixAcknowledger
from streams.notices import ChangeNotices
from streams.pictures import PictureLoader
from streams.profiling import ProfilePipeline
from streams.publisher import Publisher
from streams.topics import ensure_topics
from vitrine.settings import Settings

log = logging.getLogger(__name__)

EXIT_FAILED = 70
"""A pipeline failed in a way that it cannot deal with (EX_SOFTWARE)."""


async def run_indexing_worker(settings: Settings) -> None:
    """Index until SIGTERM or SIGINT: then take no more events, finish the batches under way, and leave.

    Should a pipeline, or Faust, fail in a way that it cannot deal with, the process ends at once with `EXIT_FAILED`:
    nothing unfinished was acknowledged, and whoever restarts it resumes from there.
    """
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await ensure_topics(settings.kafka)
    async with AsyncExitStack() as resources:
        worker = await _IndexingWorker.open(settings, resources)
        await worker.run_until(stop)
    log.info("worker_stopped")


class _IndexingWorker:
    """The pipelines, each behind its batcher, over real servers."""

    def __init__(self, settings: Settings, app: faust.App) -> None:
        self._settings = settings
        self._app = app
        self._acknowledger = PrefixAcknowledger()
        self._lease = WriteLease(settings.kafka.session_timeout_s)
        self._horizon = Horizon(past_s=settings.indexing.horizon_days * 86_400)
        metrics.UNACKNOWLEDGED.set_function(self._acknowledger.waiting)

    @classmethod
    async def open(cls, settings: Settings, resources: AsyncExitStack) -> _IndexingWorker:
        """Connect to all servers; `resources` closes what was opened."""
        worker = cls(settings, build_app(settings.kafka, settings.indexing, settings.data_dir / "faust"))
        redis = connect(settings.redis)
        resources.push_async_callback(redis.aclose)
        publisher = FaustPublisher(worker._app, settings.kafka.deadline_s)
        products = await worker._products(redis, publisher, resources)
        profiles = worker._profiles(redis, publisher)
        limits = _limits(settings.indexing)
        batchers = {
            PRODUCT_EVENTS: MicroBatcher(limits, products.process),
            USER_EVENTS: MicroBatcher(limits, profiles.process),
        }
        add_agents(worker._app, worker._acknowledger, batchers)
        worker._batchers = batchers
        worker._membership = Membership(
            worker._app,
            worker._acknowledger,
            batchers,
            worker._lease,
            products.late_writes,
            settings.indexing.drain_s,
        )
        worker._background = [products.late_writes.run()]
        url = await resources.enter_async_context(
            health_server(
                settings.indexing.health_host, settings.indexing.health_port, lambda: worker._membership.joined
            )
        )
        log.info("worker_connected", extra={"url": url, "encoder": settings.encoder.name})
        return worker

    async def run_until(self, stop: asyncio.Event) -> None:
        """Consume until told to stop, then drain."""
        work = [batcher.run() for batcher in self._batchers.values()] + self._background
        running = [asyncio.create_task(_run_or_die(one)) for one in work]
        await self._app.start()
        running.append(asyncio.create_task(_run_or_die(self._app.wait())))
        log.info("worker_started")
        await stop.wait()
        await self._drain()
        for task in running:
            task.cancel()
        await self._app.stop()

    async def _products(self, redis: Redis, publisher: Publisher, resources: AsyncExitStack) -> ProductPipeline:
        settings = self._settings
        encoder = await resources.enter_async_context(EncoderProcess(settings.encoder.name, settings.encoder.device))
        decoder = await resources.enter_async_context(DecoderPool(encoder.preparer, settings.decoding))
        fetcher = await resources.enter_async_context(MediaFetcher(settings.media))
        store = await open_store(settings.milvus, encoder.spec, create=True)
        resources.push_async_callback(store.close)
        media = DirectoryMediaStore(settings.media_directory)
        return ProductPipeline(
            store,
            media,
            PictureLoader(media, fetcher, decoder),
            encoder,
            publisher,
            ChangeNotices(RedisChangeLog(redis, store.generation, settings.redis.deadline_s)),
            self._acknowledger,
            self._lease,
            store.generation,
            self._horizon,
            settings.indexing.late_write_s,
        )

    def _profiles(self, redis: Redis, publisher: Publisher) -> ProfilePipeline:
        store = RedisProfileStore(redis, self._settings.redis.deadline_s)
        return ProfilePipeline(store, publisher, self._acknowledger.finish, self._horizon)

    async def _drain(self) -> None:
        """Let batches under way finish; what the budget does not suffice for is redelivered to the next worker."""
        budget_s = self._settings.indexing.drain_s
        try:
            async with asyncio.timeout(budget_s):
                await asyncio.gather(*(batcher.drain() for batcher in self._batchers.values()))
        except TimeoutError:
            log.warning("drain_cut_short", extra={"budget_s": budget_s})


def _limits(indexing: IndexingConfig) -> BatchLimits:
    return BatchLimits(
        indexing.batch_events, indexing.batch_bytes, indexing.linger_s, indexing.quiet_linger_s, indexing.in_flight
    )


async def _run_or_die(work: Coroutine[Any, Any, object]) -> None:
    """Run what ends only by being cancelled; that it ends otherwise, ends the process."""
    try:
        await work
        log.critical("worker_failed", extra={"error": f"{work.__qualname__} ended"})
    except Exception:
        log.critical("worker_failed", exc_info=True)
    logging.shutdown()
    os._exit(EXIT_FAILED)
