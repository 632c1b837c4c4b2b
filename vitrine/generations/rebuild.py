"""Rebuilding the index beside the live one: make a generation, fill it, have it follow, compare, switch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec
from redis.asyncio import Redis

from encoders.processes.encoder import EncoderProcess
from encoders.processes.image_decoding import ImageDecoderPool
from encoders.processes.media_decoding import MediaDecoderProcess
from indexer.errors import IndexMismatch
from indexer.media_store import DirectoryMediaStore
from indexer.milvus.generations import planned_generation
from indexer.milvus.registry import Generation, GenerationRegistry, Generations
from indexer.milvus.store import MilvusProductStore, open_generation_store, open_store_to_read
from indexer.milvus.vector_types import FLOAT32
from query_api.evaluation.title_sampling import sample_titles
from query_api.generations.quality_gate import GateLimits, GateResult, Judgments, compare_generations
from streams.delivery.publisher import OutgoingMessage
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.kafka.group_offsets import group_offsets, start_group_at
from streams.kafka.producer import EventPublisher
from streams.media.fetching import MediaFetcher
from streams.media.pictures import PictureLoader
from streams.products.generation_copy import GenerationCopier
from vitrine.errors import VitrineError
from vitrine.generations.binding import bind_active
from vitrine.generations.pace import rest_s
from vitrine.generations.switch import (
    RebuildProgress,
    locked_registry,
    ms_from_now,
    until_milvus_answers,
    wait_for_query_workers,
    wait_until_caught_up,
)
from vitrine.settings import Settings
from vitrine.wiring.gate_services import open_gate_services
from vitrine.wiring.indexing_parts import embedding_cache

SAVE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class RebuildRequest:
    """What to rebuild, and when to switch to it.

    Attributes:
        encoder: of the new generation; None: that of the active one.
        hold_s: how long the former generation is kept up to date after the switch.
        limits: what the new one must reach.
        force: switch although it does not.
        switch: False: have it ready, and leave it at that.
        judgments: judged queries for the comparison.
        share: of the time, in (0, 1], that copying and comparing work; the rest is the shoppers'.
    """

    encoder: str | None = None
    hold_s: float = 3600.0
    limits: GateLimits = field(default_factory=GateLimits)
    force: bool = False
    switch: bool = True
    judgments: Judgments = field(default_factory=dict)
    share: float = 0.3


async def rebuild(settings: Settings, wanted: RebuildRequest, progress: RebuildProgress) -> Generation:
    """Rebuild the index; begins where an earlier one was cut off.

    Raises:
        VitrineError: it cannot be done, or the new generation is not good enough; it stays for another try.
        IndexerError, StreamError, EncoderError: a server does not answer, or the encoder cannot be loaded.
    """
    async with locked_registry(settings) as (registry, redis):
        now = await until_milvus_answers(registry.read)
        active = require_active(now)
        target = await _find_unfinished(settings, now, wanted) or await _create_generation(
            settings, registry, active, wanted
        )
        progress.say(f"{target.collection} is built beside {active.collection} with {target.encoder}")
        if target.stage == "copying":
            target = await _copy_products(settings, registry, active, target, redis, progress, wanted.share)
        await progress.standby_needed()
        await wait_until_caught_up(settings, target, progress)
        await _pass_gate(settings, active, target, wanted, progress)
        target = msgspec.structs.replace(target, stage="ready")
        await until_milvus_answers(lambda: registry.save(target))
        if not wanted.switch:
            progress.say(f"{target.collection} is ready; `vitrine reindex` switches to it")
            return target
        await wait_for_query_workers(redis, target.collection, progress)
        await until_milvus_answers(lambda: registry.switch(target, ms_from_now(wanted.hold_s), "reindex"))
        progress.say(f"switched to {target.collection}")
        return target


def require_active(now: Generations) -> Generation:
    """The active generation. Raises `VitrineError` when there is none."""
    if now.active is None:
        raise VitrineError("there is no index yet: start it with `vitrine up` and publish products")
    return now.active


async def _find_unfinished(settings: Settings, now: Generations, wanted: RebuildRequest) -> Generation | None:
    """A rebuild that was cut off, if it is the one that is wanted."""
    found = now.in_stage("copying", "following", "ready")
    if found is None:
        if held := now.in_stage("held", "dropping"):
            left_s = max(0, held.hold_until_ms / 1000 - time.time())
            raise VitrineError(
                f"{held.collection} is still kept to be switched back to, for {left_s:.0f} s more; "
                "`vitrine reindex --drop-held` gives it up"
            )
        return None
    if wanted.encoder not in (None, found.encoder_name):
        raise VitrineError(
            f"{found.collection} is being built with {found.encoder_name}: go on with `vitrine reindex --encoder "
            f"{found.encoder_name}`, or drop it with `vitrine reindex --cancel`"
        )
    return found


async def _create_generation(
    settings: Settings, registry: GenerationRegistry, active: Generation, wanted: RebuildRequest
) -> Generation:
    """Make an empty generation, and note where the events begin that it will not get from the active one."""
    name = wanted.encoder or bind_active(without_configured_encoder(settings), Generations(active)).encoder_name
    async with EncoderProcess(name, settings.encoder.runtime) as encoder:
        spec = encoder.spec
    group = settings.indexing.group_of(active.collection)
    offsets = await group_offsets(settings.kafka.bootstrap_servers, group, PRODUCT_EVENTS, USER_EVENTS)
    made = planned_generation(await until_milvus_answers(registry.new_name), settings.milvus, spec, name)
    target = msgspec.structs.replace(made, stage="copying", offsets=offsets)
    # Noted first: what is made and not noted would never be removed.
    await until_milvus_answers(lambda: registry.save(target))
    try:
        store = await until_milvus_answers(lambda: open_generation_store(settings.milvus, spec, target, create=True))
    except IndexMismatch:
        await until_milvus_answers(lambda: registry.forget(target.collection))
        raise
    await store.close()
    return target


def without_configured_encoder(settings: Settings) -> Settings:
    """The settings without an encoder of their own, so that the index's counts."""
    return replace(settings, encoder=replace(settings.encoder, name=""))


async def _copy_products(
    settings: Settings,
    registry: GenerationRegistry,
    active: Generation,
    target: Generation,
    redis: Redis,
    progress: RebuildProgress,
    share: float,
) -> Generation:
    """Copy all products, then have the new generation's workers begin where the copy may have missed events."""
    async with AsyncExitStack() as resources:
        copier, source = await _copier(settings, active, target, redis, resources)
        counts = await until_milvus_answers(source.count)
        total, done, saved_at = counts.searchable + counts.incomplete, target.copied, 0.0
        worked_since = time.monotonic()
        async for page in copier.copy(target.copied_through):
            await asyncio.sleep(rest_s(time.monotonic() - worked_since, share))
            worked_since = time.monotonic()
            done = target.copied + page.products_copied
            progress.copied(done, max(total, done))
            if time.monotonic() - saved_at > SAVE_EVERY_S:
                saved_at = time.monotonic()
                noted = msgspec.structs.replace(target, copied_through=page.through_id, copied=done)
                await until_milvus_answers(partial(registry.save, noted))
    group = settings.indexing.group_of(target.collection)
    await start_group_at(settings.kafka.bootstrap_servers, group, target.offsets)
    following = msgspec.structs.replace(target, stage="following", copied=done)
    await until_milvus_answers(lambda: registry.save(following))
    return following


async def _copier(
    settings: Settings, active: Generation, target: Generation, redis: Redis, resources: AsyncExitStack
) -> tuple[GenerationCopier, MilvusProductStore]:
    source = await until_milvus_answers(lambda: open_store_to_read(settings.milvus, active))
    resources.push_async_callback(source.close)
    encoder = await resources.enter_async_context(EncoderProcess(target.encoder_name, settings.encoder.runtime))
    store = await until_milvus_answers(
        lambda: open_generation_store(settings.milvus, encoder.spec, target, create=True)
    )
    resources.push_async_callback(store.close)
    decoder = await resources.enter_async_context(ImageDecoderPool(encoder.preparer, settings.decoding))
    media_decoder = await resources.enter_async_context(MediaDecoderProcess(encoder.preparer, settings.clips))
    fetcher = await resources.enter_async_context(MediaFetcher(settings.media))
    memory = embedding_cache(settings, encoder.spec.key, redis)
    pictures = PictureLoader(DirectoryMediaStore(settings.media_directory), fetcher, decoder, memory, media_decoder)
    publisher = _EventForwarder(
        await resources.enter_async_context(EventPublisher(settings.kafka.bootstrap_servers, settings.kafka.deadline_s))
    )
    # Numbers that were rounded come whole from the encoder alone.
    as_exact = active.vector_type in (FLOAT32, target.vector_type)
    same_space = as_exact and (active.encoder, active.dim) == (target.encoder, target.dim)
    return (
        GenerationCopier(source, store, target.collection, None if same_space else encoder, pictures, publisher),
        source,
    )


class _EventForwarder:
    """`Publisher` over a producer of events."""

    def __init__(self, producer: EventPublisher) -> None:
        self._producer = producer

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish all. Raises `PublishFailed`."""
        await self._producer.publish_raw(messages)


async def _pass_gate(
    settings: Settings, active: Generation, target: Generation, wanted: RebuildRequest, progress: RebuildProgress
) -> None:
    """Compare both generations. Raises `VitrineError` when the new one falls short, unless that was asked for."""
    async with open_gate_services(settings, active) as before, open_gate_services(settings, target) as after:
        titles = await sample_titles(after.store, after.encoder.spec)
        verdict = await compare_generations(before, after, titles, wanted.judgments, wanted.limits, wanted.share)
    progress.say(verdict_summary(verdict))
    if verdict.shortfalls and not wanted.force:
        raise VitrineError(
            f"{target.collection} is not switched to: {'; '.join(verdict.shortfalls)}. It goes on following; "
            "`vitrine reindex --force` switches all the same, `vitrine reindex --cancel` drops it"
        )


def verdict_summary(verdict: GateResult) -> str:
    """What a comparison came to, in a line."""
    before, after = verdict.known_item_rates
    parts = [
        f"{verdict.queries} queries: overlap@{verdict.k} {verdict.overlap:.3f}",
        f"own title in the first {verdict.k}: {after:.1%} (before {before:.1%})",
    ]
    if verdict.ndcg:
        parts.append(f"nDCG@{verdict.k} {verdict.ndcg[1]:.3f} (before {verdict.ndcg[0]:.3f})")
    return ", ".join(parts)
