"""The parts of an indexing worker, composed for one generation of the index."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import faust
from redis.asyncio import Redis

from encoders.processes.encoder import EncoderProcess
from encoders.processes.image_decoding import ImageDecoderPool
from encoders.processes.media_decoding import MediaDecoderProcess
from encoders.processes.recogniser import RecogniserProcess
from encoders.spec import EmbeddingSpec
from indexer.media_store import DirectoryMediaStore, RecentMediaStore
from indexer.milvus.registry import GenerationRegistry
from indexer.milvus.store import MilvusProductStore, open_active_store, open_generation_store
from indexer.redis.bounded_map import RedisBoundedMap
from indexer.redis.change_log import RedisChangeLog
from indexer.redis.client import connect_redis
from indexer.redis.profiles import RedisProfileStore
from indexer.redis.restore_lease import RedisRestoreLease
from streams import metrics
from streams.agents import FaustPublisher, build_app
from streams.config import IndexingConfig
from streams.delivery.batching import BatchLimits, MicroBatcher, ReleaseNextBatch
from streams.delivery.decoding import Horizon
from streams.delivery.lease import WriteLease
from streams.delivery.messages import Message, PrefixAcknowledger
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.failures.retry_relay import RetryRelay
from streams.labels.calibration import LabelCalibrator
from streams.labels.labelling import Labeller
from streams.labels.neighbours import NeighbourSearch
from streams.media.embedding_cache import EmbeddingCache
from streams.media.fetching import MediaFetcher
from streams.media.pictures import PictureLoader
from streams.media.transcription import AudioTranscriber
from streams.products.cache_invalidation import CacheInvalidator
from streams.products.generation_role import GenerationRole
from streams.products.pipeline import ProductPipeline
from streams.profiles.pipeline import ProfilePipeline
from streams.profiles.restore import ProfileRestorer, RestoreConfig
from vitrine.generations.binding import GenerationBinding, retire_generations
from vitrine.generations.pace import rest_s
from vitrine.settings import Settings

BackgroundWork = Coroutine[Any, Any, object]
ProcessBatch = Callable[[list[Message], ReleaseNextBatch], Awaitable[None]]

STANDBY_LINGER_S, STANDBY_COUNT = 0.5, 64
"""Seldom, as nobody searches it yet; and not much at once, as those who search the other wait while it is written."""

STANDBY_CATCH_UP_S = 600.0
"""How long it takes its time for."""


@dataclass(frozen=True, slots=True)
class ConsumerParts:
    """What the pipelines share of a worker's side of Kafka."""

    app: faust.App
    publisher: FaustPublisher
    acknowledger: PrefixAcknowledger
    lease: WriteLease
    horizon: Horizon

    @classmethod
    def build(cls, settings: Settings, group: str) -> ConsumerParts:
        app = build_app(settings.kafka, replace(settings.indexing, group=group), settings.data_dir / "faust")
        acknowledger = PrefixAcknowledger()
        metrics.UNACKNOWLEDGED.set_function(acknowledger.unacknowledged_count)
        return cls(
            app,
            FaustPublisher(app, settings.kafka.deadline_s),
            acknowledger,
            WriteLease(settings.kafka.session_timeout_s),
            Horizon(past_s=settings.indexing.horizon_days * 86_400),
        )


@dataclass(frozen=True, slots=True)
class IndexingWorker:
    """A worker's parts, bound to one generation."""

    binding: GenerationBinding
    consumer: ConsumerParts
    redis: Redis
    products: ProductPipeline
    label_calibrator: LabelCalibrator | None

    @classmethod
    async def open(cls, settings: Settings, binding: GenerationBinding, resources: AsyncExitStack) -> IndexingWorker:
        redis = connect_redis(settings.redis)
        resources.push_async_callback(redis.aclose)
        encoder = await resources.enter_async_context(EncoderProcess(binding.encoder_name, settings.encoder.runtime))
        store = await _store(settings, binding, encoder.spec)
        resources.push_async_callback(store.close)
        consumer = ConsumerParts.build(settings, settings.indexing.group_of(store.generation))
        labeller, labels = _labelling(settings, encoder, store)
        products = await _products(settings, binding, consumer, redis, encoder, store, labeller, resources)
        return cls(binding, consumer, redis, products, labels)

    def batchers(self, settings: Settings) -> dict[str, MicroBatcher]:
        """What the worker consumes. Shoppers' profiles are of no generation: the active one's workers keep them."""
        limits = _limits(settings.indexing)
        if self.binding.standby:
            limits = replace(limits, max_messages=STANDBY_COUNT, linger_s=STANDBY_LINGER_S, max_in_flight=1)
            limits = replace(limits, quiet_linger_s=limits.linger_s, overlap_messages=limits.max_messages)
        process = _with_rests(self.products.process) if self.binding.standby else self.products.process
        batchers = {PRODUCT_EVENTS: MicroBatcher(limits, process)}
        if not self.binding.standby:
            profiles = ProfilePipeline(
                _profiles(settings, self.redis),
                self.consumer.publisher,
                self.consumer.acknowledger.mark_done,
                self.consumer.horizon,
            )
            few_calls = replace(
                limits, overlap_messages=limits.max_messages, quiet_linger_s=settings.indexing.user_linger_s
            )
            batchers[USER_EVENTS] = MicroBatcher(few_calls, lambda batch, _: profiles.process(batch))
        return batchers

    def background_work(self, settings: Settings, registry: GenerationRegistry) -> list[BackgroundWork]:
        """What workers do beside: measure labels; the active generation's restore profiles, release retries, drop what
        was held, too.
        """
        calibrating: list[BackgroundWork] = [self.label_calibrator.run()] if self.label_calibrator else []
        if self.binding.standby:
            return calibrating
        relay = RetryRelay(settings.kafka, settings.indexing.group, self.consumer.publisher)
        restores = RestoreConfig()
        lease = RedisRestoreLease(self.redis, restores.lease_s, settings.redis.deadline_s)
        restorer = ProfileRestorer(
            _profiles(settings, self.redis),
            lease,
            settings.kafka.bootstrap_servers,
            self.consumer.horizon,
            restores,
        )
        return [relay.run(), restorer.run(), retire_generations(registry, settings.milvus, self.redis), *calibrating]


async def _store(settings: Settings, binding: GenerationBinding, spec: EmbeddingSpec) -> MilvusProductStore:
    if binding.generation:
        return await open_generation_store(settings.milvus, spec, binding.generation)
    return await open_active_store(settings.milvus, spec, create=True, encoder_name=binding.encoder_name)


async def _products(
    settings: Settings,
    binding: GenerationBinding,
    consumer: ConsumerParts,
    redis: Redis,
    encoder: EncoderProcess,
    store: MilvusProductStore,
    labeller: Labeller | None,
    resources: AsyncExitStack,
) -> ProductPipeline:
    decoder = await resources.enter_async_context(ImageDecoderPool(encoder.preparer, settings.decoding))
    media_decoder = await resources.enter_async_context(MediaDecoderProcess(encoder.preparer, settings.clips))
    recogniser = await resources.enter_async_context(RecogniserProcess(settings.speech))
    fetcher = await resources.enter_async_context(MediaFetcher(settings.media))
    # All batches under way and the next one, so that no picture is read back from disk.
    in_hand_bytes = settings.indexing.batch_bytes * (settings.indexing.in_flight + 1)
    media = RecentMediaStore(DirectoryMediaStore(settings.media_directory), in_hand_bytes)
    transcripts = RedisBoundedMap(
        redis, f"transcripts:{recogniser.key}", settings.indexing.remembered_pictures, settings.redis.deadline_s
    )
    notes = AudioTranscriber(media, fetcher, media_decoder, recogniser, transcripts, settings.clips.product_seconds)
    return ProductPipeline(
        store,
        media,
        PictureLoader(media, fetcher, decoder, embedding_cache(settings, encoder.spec.key, redis), media_decoder),
        encoder,
        consumer.publisher,
        CacheInvalidator(RedisChangeLog(redis, store.generation, settings.redis.deadline_s)),
        consumer.acknowledger,
        consumer.lease,
        GenerationRole(store.generation, not binding.standby, binding.announces_until_ms),
        consumer.horizon,
        settings.indexing.late_write_s,
        labeller,
        await resources.enter_async_context(notes),
    )


def _labelling(
    settings: Settings, encoder: EncoderProcess, store: MilvusProductStore
) -> tuple[Labeller | None, LabelCalibrator | None]:
    if not settings.labelling.is_on:
        return None, None
    neighbourhood = NeighbourSearch(store, encoder.spec)
    labeller = Labeller(neighbourhood, encoder.spec, settings.labelling)
    return labeller, LabelCalibrator(store, encoder, neighbourhood, labeller, settings.labelling)


def _with_rests(process: ProcessBatch) -> ProcessBatch:
    """Batches with rests between them, as long as each took at first and shorter with time, so that it catches up."""
    began_s = time.monotonic()

    async def rested(batch: list[Message], give_way: ReleaseNextBatch) -> None:
        batch_began_s = time.monotonic()
        await process(batch, give_way)
        now_s = time.monotonic()
        hurry = min(1.0, (now_s - began_s) / STANDBY_CATCH_UP_S)
        await asyncio.sleep(rest_s(now_s - batch_began_s, share=(1 + hurry) / 2))

    return rested


def embedding_cache(settings: Settings, encoder: str, redis: Redis) -> EmbeddingCache:
    most, deadline_s = settings.indexing.remembered_pictures, settings.redis.deadline_s
    return EmbeddingCache(
        RedisBoundedMap(redis, f"embeddings:{encoder}:image", most, deadline_s),
        RedisBoundedMap(redis, "urls", most, deadline_s),
    )


def _profiles(settings: Settings, redis: Redis) -> RedisProfileStore:
    return RedisProfileStore(redis, settings.redis.deadline_s, settings.indexing.horizon_days * 86_400)


def _limits(indexing: IndexingConfig) -> BatchLimits:
    return BatchLimits(
        indexing.batch_events,
        indexing.batch_bytes,
        indexing.overlap_events,
        indexing.linger_s,
        indexing.quiet_linger_s,
        indexing.in_flight,
    )
