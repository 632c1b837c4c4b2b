"""The parts of an indexing worker, composed for one generation of the index."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import faust
from redis.asyncio import Redis

from deploy.local.permissions import private_directory
from encoders.checkpoints import pinned_name
from encoders.liveness.vitals import Complaint, Vitals
from encoders.processes.image_decoding import ImageDecoderPool
from encoders.processes.media_decoding import MediaDecoderProcess
from encoders.processes.recogniser import RecogniserProcess
from encoders.spec import EmbeddingSpec
from encoders.tracing.opening import open_tracer
from encoders.tracing.spans import Tracer
from indexer.media.store import MediaStore
from indexer.milvus.registry import GenerationRegistry
from indexer.milvus.store import MilvusProductStore, open_active_store, open_generation_store
from indexer.redis.behaviour.store import RedisBehaviourStore
from indexer.redis.bounded_map import RedisBoundedMap
from indexer.redis.change_log import RedisChangeLog
from indexer.redis.client import open_redis
from indexer.redis.lag_board import RedisLagBoard
from indexer.redis.shoppers.person_keys import RedisPersonKeys
from indexer.redis.shoppers.profiles import RedisProfileStore
from indexer.redis.shoppers.restore_lease import RedisRestoreLease
from indexer.redis.turn import RedisTurn
from streams import metrics
from streams.agents import FaustPublisher, build_app
from streams.delivery.availability import OUTAGES
from streams.delivery.batching import MicroBatcher
from streams.delivery.decoding import Horizon
from streams.delivery.lease import WriteLease
from streams.delivery.messages import PrefixAcknowledger
from streams.delivery.traces import with_traces
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.failures.retry_relay import RetryRelay
from streams.group_membership import GroupMembership
from streams.kafka.consumer_watch import ConsumerWatch
from streams.kafka.lag import LagProbe
from streams.kafka.lag_reporter import LagReporter
from streams.kafka.refusals import watch_access
from streams.labels.calibration import LabelCalibrator
from streams.labels.labelling import Labeller
from streams.labels.neighbours import NeighbourSearch
from streams.media.embedding_cache import EmbeddingCache
from streams.media.fetching import MediaFetcher
from streams.media.incoming import IncomingMedia
from streams.media.pictures import PictureLoader
from streams.media.transcription import AudioTranscriber, TranscriptionLimits
from streams.products.change_events import ChangeLogWriter
from streams.products.collaborators import PipelineDelivery, PipelineModels, PipelineStores
from streams.products.generation_role import GenerationRole
from streams.products.pipeline import ProductPipeline
from streams.profiles.pipeline import ProfilePipeline, ProfileRecorder
from streams.profiles.restore import ProfileRestorer, RestoreConfig
from vitrine.generations.binding import GenerationBinding, retire_generations
from vitrine.generations.media import collect_in_turns, collect_media
from vitrine.media_stores import open_media_store
from vitrine.settings import Settings
from vitrine.wiring.batches import batch_limits, standby_limits, with_pulse, with_rests
from vitrine.wiring.costs import shown_costs
from vitrine.wiring.encoding import IndexingEncoder, encoder_for_indexing

BackgroundWork = Coroutine[Any, Any, object]
DECODER_NICENESS = 3
"""Decoders have half as much of the processor as another process that wants it too: what is decoded already goes first,
to Milvus and to whoever waits for it, and so do searches. Where there is time left, nothing is decoded the later."""


@dataclass(frozen=True, slots=True)
class IndexingWorker:
    """A worker's parts, bound to one generation."""

    binding: GenerationBinding
    app: faust.App
    delivery: PipelineDelivery
    redis: Redis
    stores: PipelineStores
    products: ProductPipeline
    label_calibrator: LabelCalibrator | None
    vitals: Vitals
    tracer: Tracer | None
    """None: traces are off."""

    @classmethod
    async def open(
        cls, settings: Settings, binding: GenerationBinding, vitals: Vitals, resources: AsyncExitStack
    ) -> IndexingWorker:
        tracer = resources.enter_context(open_tracer(settings.traces, "vitrine-indexing"))
        redis = await resources.enter_async_context(open_redis(settings.redis))
        encoder = await resources.enter_async_context(encoder_for_indexing(settings, binding.encoder_name))
        store = await _store(settings, binding, encoder.spec)
        resources.push_async_callback(store.close)
        group = settings.indexing.group_of(store.generation)
        # Faust makes its own directory in it, and that one alone.
        private_directory(settings.data_dir)
        app = build_app(settings.kafka, replace(settings.indexing, group=group), settings.data_dir / "faust")
        delivery, stores = _delivery(settings, app), _stores(settings, redis, store)
        labeller, calibrator = _labelling(settings, encoder, store)
        vitals.watch_process("encoder", encoder, encoder.deadline_s)
        resources.enter_context(shown_costs(encoder))
        models = await _models(settings, stores.media, redis, encoder, labeller, vitals, resources)
        role = GenerationRole(store.generation, not binding.standby, binding.announces_until_ms)
        products = ProductPipeline(stores, models, delivery, role)
        return cls(binding, app, delivery, redis, stores, products, calibrator, vitals, tracer)

    def batchers(self, settings: Settings) -> dict[str, MicroBatcher]:
        """What the worker consumes. Shoppers' profiles are of no generation: the active one's workers keep them."""
        limits = batch_limits(settings.indexing)
        group = settings.indexing.group_of(self.products.generation)
        products = with_traces(self.products.process, self.tracer, PRODUCT_EVENTS, group)
        products = with_pulse(products, self.vitals.pulse("product batches"))
        if self.binding.standby:
            return {PRODUCT_EVENTS: MicroBatcher(standby_limits(limits), with_rests(products))}
        profiles = ProfilePipeline(
            _profiles(settings, self.redis),
            _behaviour(settings, self.redis),
            self.stores.person_keys,
            self.delivery.publisher,
            self.delivery.acknowledger.mark_done,
            self.delivery.horizon,
        )
        few_calls = replace(
            limits, overlap_messages=limits.max_messages, quiet_linger_s=settings.indexing.user_linger_s
        )
        users = with_traces(lambda batch, _: profiles.process(batch), self.tracer, USER_EVENTS, group)
        users = with_pulse(users, self.vitals.pulse("profile batches"))
        return {PRODUCT_EVENTS: MicroBatcher(limits, products), USER_EVENTS: MicroBatcher(few_calls, users)}

    def consumer_watch(
        self, settings: Settings, consumer: GroupMembership, topics: Mapping[str, object]
    ) -> ConsumerWatch:
        """What sees a consumer that does not consume."""
        group = settings.indexing.group_of(self.products.generation)
        watch = ConsumerWatch(LagProbe(settings.kafka, group), consumer, list(topics), OUTAGES)
        vitals = self.vitals
        vitals.add_alive_check(lambda: watch.complaints(vitals.config.stuck_s))
        vitals.add_ready_check(lambda: watch.complaints(vitals.config.slow_s))
        vitals.add_ready_check(lambda: () if consumer.joined else (Complaint("consumer", "has no place in its group"),))
        return watch

    def lag_reporter(self, settings: Settings, consumer: GroupMembership, watch: ConsumerWatch) -> LagReporter:
        """What tells query workers how much waits, and since when."""
        group = settings.indexing.group_of(self.products.generation)
        board = RedisLagBoard(self.redis, group, settings.redis.deadline_s)
        return LagReporter(consumer, lambda: watch.positions, board)

    def background_work(self, settings: Settings, registry: GenerationRegistry) -> list[BackgroundWork]:
        """What a worker does beside its batches: look for late writes, tell what Redis missed, see whether Kafka
        turns it away, and measure labels.

        The active generation's workers also release retries, restore profiles, drop retired generations and remove
        media that no product shows.
        """
        reconciling = self.products.reconciler.run(self.vitals.pulse("write reconciler"))
        work: list[BackgroundWork] = [
            reconciling,
            self.products.media_in_use.run(),
            self.stores.change_log.run(),
            watch_access(settings.kafka, self.delivery.lease.is_valid),
        ]
        if self.label_calibrator:
            work.append(self.label_calibrator.run())
        if not self.binding.standby:
            relay = RetryRelay(settings.kafka, settings.indexing.group, self.delivery.publisher)
            work.append(relay.run(self.vitals.pulse("retry relay")))
            work.append(self._restorer(settings).run(self.vitals.pulse("profile restorer")))
            work.append(retire_generations(registry, settings.milvus, self.redis))
            work.append(self._collector(settings, registry))
        return work

    def _collector(self, settings: Settings, registry: GenerationRegistry) -> BackgroundWork:
        every_s = settings.media_store.collect_every_s
        if not every_s:
            return asyncio.Event().wait()
        turn = RedisTurn(self.redis, "media", every_s, settings.redis.deadline_s)
        return collect_in_turns(turn, every_s, partial(collect_media, settings, registry))

    def _restorer(self, settings: Settings) -> ProfileRestorer:
        config = RestoreConfig()
        lease = RedisRestoreLease(self.redis, config.lease_s, settings.redis.deadline_s)
        profiles, behaviour = _profiles(settings, self.redis), _behaviour(settings, self.redis)
        recorder = ProfileRecorder(profiles, behaviour, self.delivery.horizon)
        return ProfileRestorer(recorder, lease, settings.kafka, config)


async def _store(settings: Settings, binding: GenerationBinding, spec: EmbeddingSpec) -> MilvusProductStore:
    if binding.generation:
        return await open_generation_store(settings.milvus, spec, binding.generation)
    return await open_active_store(settings.milvus, spec, create=True, encoder_name=pinned_name(binding.encoder_name))


def _delivery(settings: Settings, app: faust.App) -> PipelineDelivery:
    acknowledger = PrefixAcknowledger()
    metrics.UNACKNOWLEDGED.set_function(acknowledger.unacknowledged_count)
    return PipelineDelivery(
        FaustPublisher(app, settings.kafka),
        acknowledger,
        WriteLease(settings.kafka.session_timeout_s),
        Horizon(past_s=settings.indexing.horizon_days * 86_400),
        settings.kafka.tombstones_delete,
    )


def _stores(settings: Settings, redis: Redis, store: MilvusProductStore) -> PipelineStores:
    return PipelineStores(
        store,
        IncomingMedia(open_media_store(settings)),
        ChangeLogWriter(RedisChangeLog(redis, store.generation, settings.redis.deadline_s)),
        RedisPersonKeys(redis, settings.privacy, settings.redis.deadline_s),
        settings.indexing.late_write_s,
    )


async def _models(
    settings: Settings,
    media: MediaStore,
    redis: Redis,
    encoder: IndexingEncoder,
    labeller: Labeller | None,
    vitals: Vitals,
    resources: AsyncExitStack,
) -> PipelineModels:
    decoder = await resources.enter_async_context(
        ImageDecoderPool(encoder.preparer, settings.decoding, encoder.memory, DECODER_NICENESS)
    )
    media_decoder = await resources.enter_async_context(MediaDecoderProcess(encoder.preparer, settings.clips))
    recogniser = await resources.enter_async_context(
        RecogniserProcess(settings.speech, settings.encoder.runtime.cache_path)
    )
    vitals.watch_process("decoder", decoder, settings.decoding.deadline_s)
    vitals.watch_process("media decoder", media_decoder, settings.clips.deadline_s)
    vitals.watch_process("recogniser", recogniser, settings.speech.deadline_s)
    fetcher = await resources.enter_async_context(MediaFetcher(settings.media))
    transcripts = RedisBoundedMap(
        redis, f"transcripts:{recogniser.key}", settings.indexing.remembered_pictures, settings.redis.deadline_s
    )
    limits = TranscriptionLimits(settings.clips.product_seconds)
    transcriber = AudioTranscriber(media, fetcher, media_decoder, recogniser, transcripts, limits)
    return PipelineModels(
        encoder,
        PictureLoader(media, fetcher, decoder, embedding_cache(settings, encoder.spec.key, redis), media_decoder),
        await resources.enter_async_context(transcriber),
        labeller,
    )


def _labelling(
    settings: Settings, encoder: IndexingEncoder, store: MilvusProductStore
) -> tuple[Labeller | None, LabelCalibrator | None]:
    if not settings.labelling.is_on:
        return None, None
    neighbourhood = NeighbourSearch(store, encoder.spec)
    labeller = Labeller(neighbourhood, encoder.spec, settings.labelling)
    return labeller, LabelCalibrator(store, encoder, neighbourhood, labeller, settings.labelling)


def embedding_cache(settings: Settings, encoder: str, redis: Redis) -> EmbeddingCache:
    limit, deadline_s = settings.indexing.remembered_pictures, settings.redis.deadline_s
    return EmbeddingCache(
        RedisBoundedMap(redis, f"embeddings:{encoder}:image", limit, deadline_s),
        RedisBoundedMap(redis, "urls", limit, deadline_s),
    )


def _profiles(settings: Settings, redis: Redis) -> RedisProfileStore:
    horizon_s = settings.indexing.horizon_days * 86_400
    return RedisProfileStore(redis, settings.redis.deadline_s, horizon_s, privacy=settings.privacy)


def _behaviour(settings: Settings, redis: Redis) -> RedisBehaviourStore:
    horizon_s = settings.indexing.horizon_days * 86_400
    return RedisBehaviourStore(redis, settings.redis.deadline_s, horizon_s, settings.privacy)
