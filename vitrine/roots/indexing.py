"""The indexing worker: Kafka → encoder → Milvus, composed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

import faust

from encoders.loading import load_encoder
from encoders.port import Encoder
from indexer.change_log import RedisChangeLog
from indexer.media import DirectoryMediaStore
from indexer.milvus import open_store
from indexer.profiles import RedisProfileStore
from indexer.redis_client import connect
from streams import metrics
from streams.agents import FaustPublisher, Membership, add_agents, build_app
from streams.batching import BatchLimits, MicroBatcher
from streams.decoding import Horizon
from streams.encoding import EncoderThread
from streams.events import PRODUCT_EVENTS, USER_EVENTS
from streams.fetching import MediaFetcher
from streams.health import health_server
from streams.indexing import ProductPipeline
from streams.lease import WriteLease
from streams.messages import PrefixAcknowledger
from streams.notices import ChangeNotices
from streams.pictures import PictureLoader
from streams.profiling import ProfilePipeline
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
        app = build_app(settings.kafka, settings.indexing, settings.data_dir / "faust")
        acknowledger = PrefixAcknowledger()
        metrics.UNACKNOWLEDGED.set_function(acknowledger.waiting)
        lease = WriteLease(settings.kafka.session_timeout_s)
        batchers = await _batchers(settings, app, acknowledger, lease, resources)
        add_agents(app, acknowledger, batchers)
        membership = Membership(app, acknowledger, batchers, lease, settings.indexing.drain_s)
        url = await resources.enter_async_context(
            health_server(settings.indexing.health_host, settings.indexing.health_port, lambda: membership.joined)
        )
        running = [asyncio.create_task(_run_or_die(batcher.run())) for batcher in batchers.values()]
        await app.start()
        running.append(asyncio.create_task(_run_or_die(app.wait())))
        log.info("worker_started", extra={"url": url, "encoder": settings.encoder.name})
        await stop.wait()
        await _drain(batchers, settings.indexing.drain_s)
        for task in running:
            task.cancel()
        await app.stop()
    log.info("worker_stopped")


async def _batchers(
    settings: Settings,
    app: faust.App,
    acknowledger: PrefixAcknowledger,
    lease: WriteLease,
    resources: AsyncExitStack,
) -> dict[str, MicroBatcher]:
    """The two pipelines, each behind its batcher, over real servers."""
    indexing = settings.indexing
    redis = connect(settings.redis)
    resources.push_async_callback(redis.aclose)
    publisher = FaustPublisher(app, settings.kafka.deadline_s)
    horizon = Horizon(past_s=indexing.horizon_days * 86_400)
    profiles = ProfilePipeline(
        RedisProfileStore(redis, settings.redis.deadline_s), publisher, acknowledger.finish, horizon
    )
    encoder = await asyncio.to_thread(load_encoder, settings.encoder.name, settings.encoder.device)
    store = await open_store(settings.milvus, encoder.spec, create=True)
    resources.push_async_callback(store.close)
    media = DirectoryMediaStore(settings.media_directory)
    products = ProductPipeline(
        store,
        media,
        PictureLoader(media, *await _picture_tools(settings, encoder, resources)),
        EncoderThread(encoder, _executor(1, "encoder", resources)),
        publisher,
        ChangeNotices(RedisChangeLog(redis, store.generation, settings.redis.deadline_s)),
        acknowledger,
        lease,
        store.generation,
        horizon,
        indexing.late_write_s,
    )
    limits = BatchLimits(
        indexing.batch_events, indexing.batch_bytes, indexing.linger_s, indexing.quiet_linger_s, indexing.in_flight
    )
    return {
        PRODUCT_EVENTS: MicroBatcher(limits, products.process),
        USER_EVENTS: MicroBatcher(limits, profiles.process),
    }


async def _picture_tools(
    settings: Settings, encoder: Encoder, resources: AsyncExitStack
) -> tuple[MediaFetcher, Encoder, ThreadPoolExecutor]:
    fetcher = await resources.enter_async_context(MediaFetcher(settings.media))
    return fetcher, encoder, _executor(settings.indexing.decode_threads, "decode", resources)


def _executor(threads: int, name: str, resources: AsyncExitStack) -> ThreadPoolExecutor:
    executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
    resources.callback(executor.shutdown, wait=False, cancel_futures=True)
    return executor


async def _run_or_die(work: Coroutine[Any, Any, object]) -> None:
    """Run what ends only by being cancelled; that it ends otherwise, ends the process."""
    try:
        await work
        log.critical("worker_failed", extra={"error": f"{work.__qualname__} ended"})
    except Exception:
        log.critical("worker_failed", exc_info=True)
    logging.shutdown()
    os._exit(EXIT_FAILED)


async def _drain(batchers: dict[str, MicroBatcher], budget_s: float) -> None:
    """Let batches under way finish; what the budget does not suffice for is redelivered to the next worker."""
    try:
        async with asyncio.timeout(budget_s):
            await asyncio.gather(*(batcher.drain() for batcher in batchers.values()))
    except TimeoutError:
        log.warning("drain_cut_short", extra={"budget_s": budget_s})
