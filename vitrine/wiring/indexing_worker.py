"""The indexing worker: Kafka → encoder → Milvus and Redis."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import faust

from encoders.liveness.vitals import Vitals
from indexer.milvus.registry import GenerationRegistry, Generations
from streams.agents import add_agents, run_app
from streams.config import KafkaConfig
from streams.delivery.availability import OUTAGES
from streams.delivery.batching import MicroBatcher
from streams.errors import KafkaRefused
from streams.group_membership import GroupMembership, watch_group
from streams.health import health_server
from streams.kafka.refusals import check_access, right_refused
from streams.topics import ensure_topics
from vitrine.generations.binding import (
    GenerationBinding,
    bind_active,
    restart_process,
    wait_for_standby,
    watch_until_superseded,
)
from vitrine.generations.switch import until_milvus_answers
from vitrine.settings import Settings
from vitrine.wiring.indexing_parts import BackgroundWork, IndexingWorker
from vitrine.wiring.vital_signs import background, stopped_by_signal, watched

log = logging.getLogger(__name__)

EXIT_FAILED = 70
"""A pipeline failed in a way that it cannot deal with (EX_SOFTWARE)."""
STANDBY_NICENESS = 10


async def run_indexing_worker(settings: Settings) -> None:
    """Index into the active generation, and into the next one after a switch, until SIGTERM or SIGINT.

    Then it takes no more events, finishes the batches under way, and leaves. Should a pipeline, or Faust, fail in a way
    that it cannot deal with, or Kafka turn it away, the process ends at once with `EXIT_FAILED`: nothing unfinished
    was acknowledged, and whoever restarts it resumes from there.
    """
    stop = stopped_by_signal()
    async with _watched(settings) as vitals, GenerationRegistry(settings.milvus) as registry:
        with vitals.not_ready_for("worker", "is starting"):
            await ensure_topics(settings.kafka)
            binding = bind_active(settings, await until_milvus_answers(registry.read))
        switched = await _index(settings, registry, binding, stop, vitals)
    if switched:
        restart_process(switched)


async def run_standby_worker(settings: Settings, wait: bool) -> None:
    """Index into a generation beside the active one: one that is being built, or one that can be switched back to.

    It takes what the others leave of the processor.

    Args:
        settings: the configuration in force.
        wait: with nothing to stand by for, wait for something; else leave.
    """
    stop = stopped_by_signal()
    await check_access(settings.kafka)
    os.setpriority(os.PRIO_PROCESS, 0, max(STANDBY_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    async with _watched(settings) as vitals, GenerationRegistry(settings.milvus) as registry:
        with vitals.not_ready_for("generation", "there is none to stand by for"):
            binding = await _wait_for_standby(settings, registry, stop, wait)
        if binding is None:
            return
        switched = await _index(settings, registry, binding, stop, vitals)
    if switched:
        restart_process(switched)


async def _wait_for_standby(
    settings: Settings, registry: GenerationRegistry, stop: asyncio.Event, wait: bool
) -> GenerationBinding | None:
    """What to stand by for; None when stopped, or, unless told to wait, when there is nothing."""
    looking = asyncio.ensure_future(wait_for_standby(settings, registry, wait))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait([looking, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if looking.done():
        return looking.result()
    looking.cancel()
    return None


@asynccontextmanager
async def _watched(settings: Settings) -> AsyncIterator[Vitals]:
    """What is watched of the worker, served from its first moment: one that waits for a server is alive."""
    vitals = Vitals(settings.liveness, outages=OUTAGES)
    serving = health_server(settings.indexing.health_host, settings.indexing.health_port, vitals)
    async with watched(vitals), serving as url:
        log.info("health_served", extra={"url": url})
        yield vitals


async def _index(
    settings: Settings, registry: GenerationRegistry, binding: GenerationBinding, stop: asyncio.Event, vitals: Vitals
) -> Generations | None:
    """Index until stopped, or until there is another generation to serve; that registry is returned then."""
    after: list[Generations] = []

    def over(now: Generations) -> None:
        after.append(now)
        stop.set()

    async with AsyncExitStack() as resources:
        with vitals.not_ready_for("worker", "is loading its model"):
            worker = await IndexingWorker.open(settings, binding, vitals, resources)
        batchers = worker.batchers(settings)
        delivery = worker.delivery
        add_agents(worker.app, delivery.acknowledger, batchers, delivery.publisher)
        membership = GroupMembership(
            worker.app,
            delivery.acknowledger,
            batchers,
            delivery.lease,
            worker.products.reconciler,
            settings.indexing.drain_s,
        )
        consumer_watch = worker.consumer_watch(settings, membership, batchers)
        log.info("worker_connected", extra={"encoder": binding.encoder_name, "standby": binding.standby})
        if binding.generation is None:
            binding = bind_active(settings, await until_milvus_answers(registry.read))
        watch = watch_until_superseded(registry, binding, over)
        await resources.enter_async_context(background("registry", watch, vitals))
        watching = consumer_watch.run(vitals.pulse("consumer watch", needed=False))
        await resources.enter_async_context(background("consumer watch", watching, vitals))
        telling = worker.lag_reporter(settings, membership, consumer_watch).run(vitals.pulse("lag", needed=False))
        await resources.enter_async_context(background("lag", telling, vitals))
        work = worker.background_work(settings, registry)
        await _run_until(stop, worker.app, batchers, work, settings)
    log.info("worker_stopped")
    return after[0] if after else None


async def _run_until(
    stop: asyncio.Event,
    app: faust.App,
    batchers: Mapping[str, MicroBatcher],
    background: Sequence[BackgroundWork],
    settings: Settings,
) -> None:
    """Consume until told to stop, then drain."""
    work = (*(batcher.run() for batcher in batchers.values()), *background, watch_group(app))
    running = [asyncio.create_task(_run_or_die(coroutine, settings.kafka)) for coroutine in work]
    await app.start()
    running.append(asyncio.create_task(_run_or_die(run_app(app), settings.kafka)))
    # What is loaded by now stays: looking through all of it stops every batch under way for a tenth of a second.
    gc.collect()
    gc.freeze()
    # A batch makes tens of thousands of objects that go with it: collecting every 700 of them took a tenth of the loop.
    gc.set_threshold(20_000, 20, 50)
    log.info("worker_started")
    await stop.wait()
    await _drain(batchers, settings.indexing.drain_s)
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


async def _run_or_die(work: BackgroundWork, kafka: KafkaConfig) -> None:
    """Run what ends only by being cancelled; that it ends otherwise, ends the process.

    One that Kafka turns away says so in a sentence, without a traceback.
    """
    try:
        await work
        log.critical("worker_failed", extra={"error": f"{work.__qualname__} ended"})
    except Exception as error:
        refused = error if isinstance(error, KafkaRefused) else right_refused(kafka, error)
        if refused:
            log.critical("kafka_refused", extra={"error": str(refused)})
        else:
            log.critical("worker_failed", exc_info=True)
    logging.shutdown()
    os._exit(EXIT_FAILED)
