"""The query worker: HTTP → encoder → Milvus and Redis, composed anew for each generation of the index."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from redis.asyncio import Redis

from encoders.checkpoints import pinned_name
from encoders.inference.device_priority import DevicePriority
from encoders.liveness.vitals import Vitals
from encoders.loading import load_ranker
from encoders.processes.image_decoding import DecodingConfig, ImageDecoderPool
from encoders.processes.media_decoding import MediaDecoderProcess
from encoders.processes.recogniser import RecogniserProcess
from encoders.tracing.opening import open_tracer
from encoders.tracing.spans import Tracer
from indexer.errors import StoreUnavailable
from indexer.milvus.registry import GenerationRegistry
from indexer.milvus.store import open_active_store, open_generation_store
from indexer.redis.api_keys import RedisKeyRecords
from indexer.redis.behaviour.store import RedisBehaviourStore
from indexer.redis.change_log import RedisChangeLog
from indexer.redis.client import open_redis
from indexer.redis.impressions import ImpressionLimits, RedisImpressionStore
from indexer.redis.lag_board import RedisLagBoard
from indexer.redis.shared_counts import RedisSharedCounts
from indexer.redis.shoppers.profiles import RedisProfileStore
from indexer.redis.switches import RedisVariantSwitches
from query_api import metrics
from query_api.access.gate import AccessGate
from query_api.access.opening import open_gate
from query_api.admission.lanes import Lanes
from query_api.cache.candidate_cache import RedisCandidateCache
from query_api.config import QueryConfig
from query_api.experiments.beside import GenerationsBeside
from query_api.experiments.experiment import load_variant_rankers, read_experiment
from query_api.generations.switching import ServedGeneration, SwitchingApp
from query_api.http.server.process_group import GroupMember
from query_api.http.server.serving import serve
from query_api.learning_to_rank.model import load_tree_ranker
from query_api.wiring.components import QueryComponents
from query_api.wiring.ports import QueryPorts
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS, Event
from streams.kafka.index_age import IndexAge
from streams.kafka.producer import EventPublisher
from vitrine.generations.binding import GenerationBinding, bind_active
from vitrine.generations.follower import GenerationFollower
from vitrine.generations.switch import until_milvus_answers
from vitrine.media_stores import open_media_store
from vitrine.settings import Settings
from vitrine.wiring.costs import shown_costs
from vitrine.wiring.encoding import encoder_for_queries
from vitrine.wiring.vital_signs import background, watched

log = logging.getLogger(__name__)

PREPARE_S = 3_600.0
"""The longest that the next generation may take to open: its encoder may have to be fetched, and made ready."""
IMPRESSIONS_DEADLINE_S = 2.0
"""Nobody waits for what is remembered of answers."""
WATCH_S = 0.75
"""How often the registry is looked at: a switch shows within a second."""
MAX_WATCH_S = 5.0
"""How often it is looked at, and that logged, while Milvus does not answer."""


async def run_query_worker(settings: Settings, member: GroupMember | None = None) -> None:
    """Answer until SIGTERM or SIGINT: then take no more requests, finish those under way, and leave.

    Args:
        member: which of the worker's processes this is; None: the only one.
    """
    async with AsyncExitStack() as resources:
        registry = await resources.enter_async_context(GenerationRegistry(settings.milvus))
        vitals = Vitals(settings.liveness)
        tracer = resources.enter_context(open_tracer(settings.traces, "vitrine-query"))
        await resources.enter_async_context(watched(vitals))
        resources.enter_context(shown_costs())
        shared = await _SharedResources.connect(settings, vitals, tracer, resources)
        served = await shared.open(bind_active(settings, await until_milvus_answers(registry.read)))
        app = SwitchingApp(served)
        follower = GenerationFollower(settings, app, shared.redis, shared.open)
        resources.push_async_callback(follower.aclose)

        reading = vitals.pulse("registry", needed=False)
        preparing = vitals.pulse("next generation", PREPARE_S, needed=False)

        async def follow() -> None:
            wait_s = WATCH_S
            while True:
                await asyncio.sleep(wait_s)
                try:
                    with reading.busy("read"):
                        generations = await registry.read()
                    with preparing.busy("prepare"):
                        await follower.follow(generations)
                    wait_s = WATCH_S
                except StoreUnavailable as error:
                    wait_s = min(2 * wait_s, MAX_WATCH_S)
                    log.warning("registry_unavailable", extra={"error": str(error)[:300], "retry_in_s": wait_s})

        # Apart: a worker that takes long to load a generation is still there, and waited for.
        await resources.enter_async_context(background("presence", follower.publish_presence(), vitals))
        await resources.enter_async_context(background("generations", follow(), vitals))
        # What is loaded by now stays: the collector need not look at a model's worth of objects under each query.
        gc.collect()
        gc.freeze()
        # At what is cached from here on it does look, for some 20 ms: hardly ever, as requests leave no cycles behind.
        gc.set_threshold(2_000, 10, 100)
        log.info("worker_started", extra={"generation": served.generation})
        await serve(app, settings.query, member)
    log.info("worker_stopped")


@dataclass(frozen=True, slots=True)
class _SharedResources:
    """What is the same for all generations."""

    settings: Settings
    vitals: Vitals
    tracer: Tracer | None
    redis: Redis
    gate: AccessGate
    lanes: Lanes
    clicks: _ClickPublisher
    beside: GenerationsBeside[QueryComponents]

    @classmethod
    async def connect(
        cls, settings: Settings, vitals: Vitals, tracer: Tracer | None, resources: AsyncExitStack
    ) -> _SharedResources:
        redis = await resources.enter_async_context(open_redis(settings.redis))
        records, counts = RedisKeyRecords(redis), RedisSharedCounts(redis)
        gate = await open_gate(settings.query, settings.query.host, records, counts)
        await resources.enter_async_context(background("access", gate.run(), vitals))
        clicks = await resources.enter_async_context(_ClickPublisher(settings, tracer))
        lanes = _open_lanes(settings.query)
        return cls(settings, vitals, tracer, redis, gate, lanes, clicks, GenerationsBeside())

    async def open(self, binding: GenerationBinding) -> ServedGeneration:
        """The application over a generation; with none there, over the first one, which is made."""
        resources = AsyncExitStack()
        try:
            return await ServedGeneration(await self._services(binding, resources), resources).start()
        except BaseException:
            await resources.aclose()
            raise

    async def _services(self, binding: GenerationBinding, resources: AsyncExitStack) -> QueryPorts:
        """The ports over real servers."""
        settings, vitals = self.settings, Vitals(parent=self.vitals)
        encoder = await encoder_for_queries(settings, binding.encoder_name, resources)
        if binding.generation:
            store = await open_generation_store(settings.milvus, encoder.spec, binding.generation)
        else:
            store = await open_active_store(
                settings.milvus, encoder.spec, create=True, encoder_name=pinned_name(binding.encoder_name)
            )
        resources.push_async_callback(store.close)
        ranker_name = settings.query.ranker
        ranker = await asyncio.to_thread(load_ranker, ranker_name, encoder.spec) if ranker_name else None
        learnt_name = settings.query.learnt_ranker
        learnt_ranker = await asyncio.to_thread(load_tree_ranker, learnt_name) if learnt_name else None
        experiment = read_experiment(settings.query.experiment) if settings.query.experiment else None
        encoder_thread = ThreadPoolExecutor(1, thread_name_prefix="encoder")
        resources.callback(encoder_thread.shutdown, wait=False, cancel_futures=True)
        precedence = DevicePriority.for_runtime(settings.encoder.runtime)
        resources.callback(precedence.close)
        decoder = await resources.enter_async_context(ImageDecoderPool(encoder.preparer, _query_decoding(settings)))
        media_decoder = await resources.enter_async_context(MediaDecoderProcess(encoder.preparer, settings.clips))
        recogniser = await resources.enter_async_context(
            RecogniserProcess(settings.speech, settings.encoder.runtime.cache_path)
        )
        # Most searches go without these three, and each is replaced when it hangs.
        vitals.watch_process("decoder", decoder, settings.decoding.deadline_s, needed=False)
        vitals.watch_process("media decoder", media_decoder, settings.clips.deadline_s, needed=False)
        vitals.watch_process("recogniser", recogniser, settings.speech.deadline_s, needed=False)
        group = settings.indexing.group_of(store.generation)
        age = IndexAge(settings.kafka, group, RedisLagBoard(self.redis, group, settings.redis.deadline_s))
        _show_index_age(age)
        await resources.enter_async_context(
            background("index age", age.run(vitals.pulse("index age", needed=False)), vitals)
        )
        deadline_s, horizon_s = settings.query.redis_deadline_s, settings.indexing.horizon_days * 86_400
        return QueryPorts(
            store=store,
            generation=store.generation,
            encoder=encoder,
            encoder_thread=encoder_thread,
            decoder=decoder,
            profiles=RedisProfileStore(self.redis, deadline_s, horizon_s, privacy=settings.privacy),
            behaviour=RedisBehaviourStore(self.redis, deadline_s, horizon_s, settings.privacy),
            change_log=RedisChangeLog(self.redis, store.generation, deadline_s),
            media_store=open_media_store(settings),
            candidate_cache=RedisCandidateCache(self.redis, deadline_s),
            index_age_ms=age.age_ms,
            lag=age.lag,
            config=settings.query,
            gate=self.gate,
            lanes=self.lanes,
            ranker=ranker,
            learnt_ranker=learnt_ranker,
            experiment=experiment,
            variant_rankers=await asyncio.to_thread(load_variant_rankers, experiment) if experiment else {},
            beside=self.beside,
            switches=RedisVariantSwitches(self.redis, IMPRESSIONS_DEADLINE_S),
            impressions=RedisImpressionStore(
                self.redis, IMPRESSIONS_DEADLINE_S, ImpressionLimits(settings.query.impressions_kept), settings.privacy
            ),
            device_priority=precedence,
            publisher=self.clicks,
            media_decoder=media_decoder,
            recogniser=recogniser,
            clips_config=settings.clips,
            vitals=vitals,
            tracer=self.tracer,
        )


def _open_lanes(config: QueryConfig) -> Lanes:
    lanes = Lanes.of(config.concurrency, config.max_requests)
    for name, lane in (("plain", lanes.plain), ("media", lanes.media)):
        metrics.WORK_LIMIT.labels(name).set_function(functools.partial(getattr, lane, "limit"))
        metrics.WORK_WAITING.labels(name).set_function(functools.partial(getattr, lane, "waiting"))
    return lanes


def _show_index_age(age: IndexAge) -> None:
    """Have metrics tell it, not a number while nobody knows; the generation that was opened last is the one shown."""

    def age_s() -> float:
        age_ms = age.age_ms()
        return math.nan if age_ms is None else age_ms / 1000

    def waiting(topic: str) -> float:
        return (age.lag() or {}).get(topic, math.nan)

    metrics.INDEX_AGE.set_function(age_s)
    for topic in (PRODUCT_EVENTS, USER_EVENTS):
        metrics.LAG.labels(topic).set_function(functools.partial(waiting, topic))


def _query_decoding(settings: Settings) -> DecodingConfig:
    """One process for shoppers' pictures; one that hangs is found out, twice, while the shopper still waits."""
    deadline_s = min(settings.decoding.deadline_s, settings.query.encode_deadline_s / 3)
    return replace(settings.decoding, processes=1, deadline_s=deadline_s, device="cpu")


class _ClickPublisher:
    """Publishes the search page's clicks, connecting with the first: searches are answered without Kafka too."""

    def __init__(self, settings: Settings, tracer: Tracer | None) -> None:
        self._kafka = settings.kafka
        self._tracer = tracer
        self._resources = AsyncExitStack()
        self._connecting = asyncio.Lock()
        self._publisher: EventPublisher | None = None

    async def __aenter__(self) -> _ClickPublisher:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._resources.aclose()

    async def publish(self, topic: str, event: Event) -> None:
        """Publish an event. Raises `PublishFailed` when Kafka does not take it in time."""
        async with self._connecting:
            if self._publisher is None:
                publisher = EventPublisher(self._kafka, tracer=self._tracer)
                self._publisher = await self._resources.enter_async_context(publisher)
        await self._publisher.publish(topic, event)
