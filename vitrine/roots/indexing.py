"""The indexing worker: Kafka → encoder → Milvus and Redis, composed."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import faust
from redis.asyncio import Redis

from encoders.decoding import DecoderPool
from encoders.encoding import EncoderProcess
from indexer.bounded_maps import RedisBoundedMap
from indexer.change_log import RedisChangeLog
from indexer.media import DirectoryMediaStore, RecentMedia
from indexer.milvus import open_store
from indexer.profile_restores import RedisRestoreLease
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
from streams.memories import PictureMemory
from streams.messages import PrefixAcknowledger
from streams.notices import ChangeNotices
from streams.pictures import PictureLoader
from streams.profile_restore import ProfileRestorer, RestoreConfig
from streams.profiling import ProfilePipeline
from streams.retry_relay import RetryRelay
from streams.topics import ensure_topics
from vitrine.settings import Settings

log = logging.getLogger(__name__)

EXIT_FAILED = 70
"""A pipeline failed in a way that it cannot deal with (EX_SOFTWARE)."""

Work = Coroutine[Any, Any, object]


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
        consumer = _Consumer.of(settings)
        redis = connect(settings.redis)
        resources.push_async_callback(redis.aclose)
        products = await _products(settings, consumer, redis, resources)
        profiles, restorer = _profiles(settings, consumer, redis)
        limits = _limits(settings.indexing)
        few_calls = replace(limits, overlap_count=limits.count, quiet_linger_s=settings.indexing.user_linger_s)
        batchers = {
            PRODUCT_EVENTS: MicroBatcher(limits, products.process),
            USER_EVENTS: MicroBatcher(few_calls, lambda batch, _: profiles.process(batch)),
        }
        add_agents(consumer.app, consumer.acknowledger, batchers)
        membership = Membership(
            consumer.app,
            consumer.acknowledger,
            batchers,
            consumer.lease,
            products.late_writes,
            settings.indexing.drain_s,
        )
        url = await resources.enter_async_context(
            health_server(settings.indexing.health_host, settings.indexing.health_port, lambda: membership.joined)
        )
        log.info("worker_connected", extra={"url": url, "encoder": settings.encoder.name})
        relay = RetryRelay(settings.kafka, settings.indexing.group, consumer.publisher)
        background = [products.late_writes.run(), restorer.run(), relay.run()]
        await _run_until(stop, consumer.app, batchers, background, settings.indexing.drain_s)
    log.info("worker_stopped")


@dataclass(frozen=True, slots=True)
class _Consumer:
    """What the pipelines share of this worker's side of Kafka."""

    app: faust.App
    publisher: FaustPublisher
    acknowledger: PrefixAcknowledger
    lease: WriteLease
    horizon: Horizon

    @classmethod
    def of(cls, settings: Settings) -> _Consumer:
        app = build_app(settings.kafka, settings.indexing, settings.data_dir / "faust")
        acknowledger = PrefixAcknowledger()
        metrics.UNACKNOWLEDGED.set_function(acknowledger.waiting)
        return cls(
            app,
            FaustPublisher(app, settings.kafka.deadline_s),
            acknowledger,
            WriteLease(settings.kafka.session_timeout_s),
            Horizon(past_s=settings.indexing.horizon_days * 86_400),
        )


async def _products(
    settings: Settings, consumer: _Consumer, redis: Redis, resources: AsyncExitStack
) -> ProductPipeline:
    encoder = await resources.enter_async_context(EncoderProcess(settings.encoder.name, settings.encoder.device))
    decoder = await resources.enter_async_context(DecoderPool(encoder.preparer, settings.decoding))
    fetcher = await resources.enter_async_context(MediaFetcher(settings.media))
    store = await open_store(settings.milvus, encoder.spec, create=True)
    resources.push_async_callback(store.close)
    # All batches under way and the next one, so that no picture is read back from disk.
    in_hand_bytes = settings.indexing.batch_bytes * (settings.indexing.in_flight + 1)
    media = RecentMedia(DirectoryMediaStore(settings.media_directory), in_hand_bytes)
    return ProductPipeline(
        store,
        media,
        PictureLoader(media, fetcher, decoder, _memory(settings, encoder.spec.key, redis)),
        encoder,
        consumer.publisher,
        ChangeNotices(RedisChangeLog(redis, store.generation, settings.redis.deadline_s)),
        consumer.acknowledger,
        consumer.lease,
        store.generation,
        consumer.horizon,
        settings.indexing.late_write_s,
    )


def _memory(settings: Settings, encoder: str, redis: Redis) -> PictureMemory:
    most, deadline_s = settings.indexing.remembered_pictures, settings.redis.deadline_s
    return PictureMemory(
        RedisBoundedMap(redis, f"embeddings:{encoder}:image", most, deadline_s),
        RedisBoundedMap(redis, "urls", most, deadline_s),
    )


def _profiles(settings: Settings, consumer: _Consumer, redis: Redis) -> tuple[ProfilePipeline, ProfileRestorer]:
    deadline_s = settings.redis.deadline_s
    store = RedisProfileStore(redis, deadline_s, consumer.horizon.past_s)
    pipeline = ProfilePipeline(store, consumer.publisher, consumer.acknowledger.finish, consumer.horizon)
    restores = RestoreConfig()
    lease = RedisRestoreLease(redis, restores.lease_s, deadline_s)
    return pipeline, ProfileRestorer(store, lease, settings.kafka.bootstrap_servers, consumer.horizon, restores)


async def _run_until(
    stop: asyncio.Event,
    app: faust.App,
    batchers: Mapping[str, MicroBatcher],
    background: Sequence[Work],
    drain_s: float,
) -> None:
    """Consume until told to stop, then drain."""
    running = [
        asyncio.create_task(_run_or_die(one)) for one in (*(one.run() for one in batchers.values()), *background)
    ]
    await app.start()
    running.append(asyncio.create_task(_run_or_die(app.wait())))
    # What is loaded by now stays: looking through all of it stops every batch under way for a tenth of a second.
    gc.collect()
    gc.freeze()
    log.info("worker_started")
    await stop.wait()
    await _drain(batchers, drain_s)
    for task in running:
        task.cancel()
    await app.stop()


async def _drain(batchers: Mapping[str, MicroBatcher], budget_s: float) -> None:
    """Let batches under way finish; what the budget does not suffice for is redelivered to the next worker."""
    try:
        async with asyncio.timeout(budget_s):
            await asyncio.gather(*(batcher.drain() for batcher in batchers.values()))
    except TimeoutError:
        log.warning("drain_cut_short", extra={"budget_s": budget_s})


def _limits(indexing: IndexingConfig) -> BatchLimits:
    return BatchLimits(
        indexing.batch_events,
        indexing.batch_bytes,
        indexing.overlap_events,
        indexing.linger_s,
        indexing.quiet_linger_s,
        indexing.in_flight,
    )


async def _run_or_die(work: Work) -> None:
    """Run what ends only by being cancelled; that it ends otherwise, ends the process."""
    try:
        await work
        log.critical("worker_failed", extra={"error": f"{work.__qualname__} ended"})
    except Exception:
        log.critical("worker_failed", exc_info=True)
    logging.shutdown()
    os._exit(EXIT_FAILED)
