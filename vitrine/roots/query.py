"""The query worker: HTTP → encoder → Milvus and Redis, composed."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import uvicorn

from encoders.decoding import DecoderPool, DecodingConfig
from encoders.loading import load_encoder
from indexer.change_log import RedisChangeLog
from indexer.media import DirectoryMediaStore
from indexer.milvus import open_store
from indexer.profiles import RedisProfileStore
from indexer.redis_client import connect
from query_api.app import create_app
from query_api.cache import RedisCandidateCache
from query_api.services import Services
from streams.events import Event
from streams.freshness import IndexAge
from streams.producer import EventPublisher
from vitrine.settings import Settings

log = logging.getLogger(__name__)

DRAIN_S = 10
"""How long requests under way may take when the worker is told to stop."""


async def run_query_worker(settings: Settings) -> None:
    """Answer until SIGTERM or SIGINT: then take no more requests, finish those under way, and leave."""
    async with AsyncExitStack() as resources:
        services = await _services(settings, resources)
        config = uvicorn.Config(
            create_app(services),
            host=settings.query.host,
            port=settings.query.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_S,
        )
        # What is loaded by now stays: the collector need not look at a model's worth of objects under each query.
        gc.collect()
        gc.freeze()
        log.info("worker_started", extra={"generation": services.generation, "encoder": services.encoder.spec.key})
        await uvicorn.Server(config).serve()
    log.info("worker_stopped")


async def _services(settings: Settings, resources: AsyncExitStack) -> Services:
    """The ports over real servers."""
    redis = connect(settings.redis)
    resources.push_async_callback(redis.aclose)
    encoder = await asyncio.to_thread(load_encoder, settings.encoder.name, settings.encoder.device)
    store = await open_store(settings.milvus, encoder.spec, create=True)
    resources.push_async_callback(store.close)
    encoder_thread = ThreadPoolExecutor(1, thread_name_prefix="encoder")
    resources.callback(encoder_thread.shutdown, wait=False, cancel_futures=True)
    decoder = await resources.enter_async_context(DecoderPool(encoder.preparer, _decoding(settings)))
    age = IndexAge(settings.kafka.bootstrap_servers, settings.indexing.group)
    await resources.enter_async_context(_background(age))
    deadline_s = settings.query.redis_deadline_s
    return Services(
        store=store,
        generation=store.generation,
        encoder=encoder,
        encoder_thread=encoder_thread,
        decoder=decoder,
        profiles=RedisProfileStore(redis, deadline_s),
        change_log=RedisChangeLog(redis, store.generation, deadline_s),
        media=DirectoryMediaStore(settings.media_directory),
        cache=RedisCandidateCache(redis, deadline_s),
        freshness=age.age_ms,
        config=settings.query,
        publisher=await resources.enter_async_context(_Clicks(settings)),
    )


def _decoding(settings: Settings) -> DecodingConfig:
    """One process for shoppers' pictures; one that hangs is found out, twice, while the shopper still waits."""
    deadline_s = min(settings.decoding.deadline_s, settings.query.encode_deadline_s / 3)
    return replace(settings.decoding, processes=1, deadline_s=deadline_s)


class _Clicks:
    """Publishes the search page's clicks, connecting with the first: searches are answered without Kafka too."""

    def __init__(self, settings: Settings) -> None:
        self._kafka = settings.kafka
        self._resources = AsyncExitStack()
        self._connecting = asyncio.Lock()
        self._publisher: EventPublisher | None = None

    async def __aenter__(self) -> _Clicks:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._resources.aclose()

    async def publish(self, topic: str, event: Event) -> None:
        """Publish an event. Raises `PublishFailed` when Kafka does not take it in time."""
        async with self._connecting:
            if self._publisher is None:
                publisher = EventPublisher(self._kafka.bootstrap_servers, self._kafka.deadline_s)
                self._publisher = await self._resources.enter_async_context(publisher)
        await self._publisher.publish(topic, event)


@asynccontextmanager
async def _background(age: IndexAge) -> AsyncIterator[None]:
    task = asyncio.create_task(age.run())
    try:
        yield
    finally:
        task.cancel()
