"""Rebuilding the index beside the live one: make a generation, fill it, have it follow, compare, switch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial

import msgspec
from redis.asyncio import Redis

from encoders.checkpoints import is_same_model, pinned_name
from encoders.spec import EmbeddingSpec
from indexer.errors import IndexMismatch
from indexer.milvus.generations import planned_generation
from indexer.milvus.registry import Generation, GenerationRegistry, Generations
from indexer.milvus.store import open_generation_store
from query_api.generations.quality_gate import GateLimits, Judgments
from streams.errors import EventsGone
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.kafka.group_offsets import group_offsets, start_group_at
from streams.products.generation_copy import GenerationCopier
from vitrine.errors import VitrineError
from vitrine.generations.active import require_active
from vitrine.generations.binding import bind_generation
from vitrine.generations.gate import OpenServices, check_verdict, compare_side_by_side, verdict_summary
from vitrine.generations.pace import rest_s
from vitrine.generations.switch import (
    RebuildProgress,
    StartStandby,
    locked_registry,
    ms_from_now,
    until_milvus_answers,
    wait_for_query_workers,
    wait_until_caught_up,
)
from vitrine.settings import Settings

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


@dataclass(frozen=True, slots=True)
class ProductCopy:
    """The copy of one generation's products into another, ready to begin."""

    copier: GenerationCopier
    total: int
    """About how many products there are to copy."""


@dataclass(frozen=True, slots=True)
class RebuildParts:
    """What a rebuild works with, as `vitrine.wiring.rebuilding` puts it together.

    Attributes:
        read_spec: the vector space of an encoder, by the encoder's name.
        open_copy: opens the copy from the active generation into the new one.
        open_services: opens a generation to be searched, for the comparison.
        start_standby: has a worker keep the new generation up to date.
    """

    read_spec: Callable[[str], Awaitable[EmbeddingSpec]]
    open_copy: Callable[[Generation, Generation, Redis], AbstractAsyncContextManager[ProductCopy]]
    open_services: OpenServices
    start_standby: StartStandby


async def rebuild(
    settings: Settings, request: RebuildRequest, parts: RebuildParts, progress: RebuildProgress
) -> Generation:
    """Rebuild the index; begins where an earlier one was cut off.

    Raises:
        VitrineError: it cannot be done, or the new generation is not good enough; it stays for another try.
        IndexerError, StreamError, EncoderError: a server does not answer, or the encoder cannot be loaded.
    """
    async with locked_registry(settings) as (registry, redis):
        now = await until_milvus_answers(registry.read)
        active = require_active(now)
        target = _find_unfinished(now, request)
        if target is None:
            target = await _create_generation(settings, registry, active, request, parts)
        progress.say(f"{target.collection} is built beside {active.collection} with {target.encoder}")
        if target.stage == "copying":
            async with parts.open_copy(active, target, redis) as copy:
                target = await _copy_products(registry, target, copy, progress, request.share)
            target = await _begin_following(settings, registry, target)
        await parts.start_standby()
        await wait_until_caught_up(settings, target, progress)
        await _pass_gate(active, target, request, parts, progress)
        target = msgspec.structs.replace(target, stage="ready")
        await until_milvus_answers(lambda: registry.save(target))
        if not request.switch:
            progress.say(f"{target.collection} is ready; `vitrine reindex` switches to it")
            return target
        await wait_for_query_workers(redis, target.collection, progress)
        await until_milvus_answers(lambda: registry.switch(target, ms_from_now(request.hold_s), "reindex"))
        progress.say(f"switched to {target.collection}")
        return target


def _find_unfinished(now: Generations, request: RebuildRequest) -> Generation | None:
    """A rebuild that was cut off; None when there is none.

    Raises:
        VitrineError: it is another one than is asked for, or the last one's generation is still held.
    """
    unfinished = now.in_stage("copying", "following", "ready")
    if unfinished is None:
        if held := now.in_stage("held", "dropping"):
            left_s = max(0, held.hold_until_ms / 1000 - time.time())
            raise VitrineError(
                f"{held.collection} is still kept to be switched back to, for {left_s:.0f} s more; "
                "`vitrine reindex --drop-held` gives it up"
            )
        return None
    if request.encoder is not None and not is_same_model(request.encoder, unfinished.encoder_name):
        raise VitrineError(
            f"{unfinished.collection} is being built with {unfinished.encoder_name}: go on with `vitrine reindex "
            f"--encoder {unfinished.encoder_name}`, or drop it with `vitrine reindex --cancel`"
        )
    return unfinished


async def _create_generation(
    settings: Settings, registry: GenerationRegistry, active: Generation, request: RebuildRequest, parts: RebuildParts
) -> Generation:
    """Make an empty generation, and note where the events begin that it will not get from the active one."""
    name = request.encoder or bind_generation(settings, active).encoder_name
    spec = await parts.read_spec(name)
    # Once it is read, the commit that was read is known.
    name = await asyncio.to_thread(pinned_name, name)
    group = settings.indexing.group_of(active.collection)
    offsets = await group_offsets(settings.kafka, group, PRODUCT_EVENTS, USER_EVENTS)
    planned = planned_generation(await until_milvus_answers(registry.new_name), settings.milvus, spec, name)
    target = msgspec.structs.replace(planned, stage="copying", offsets=offsets)
    # Noted first: what is made and not noted would never be removed.
    await until_milvus_answers(lambda: registry.save(target))
    try:
        store = await until_milvus_answers(lambda: open_generation_store(settings.milvus, spec, target, create=True))
    except IndexMismatch:
        await until_milvus_answers(lambda: registry.forget(target.collection))
        raise
    await store.close()
    return target


async def _copy_products(
    registry: GenerationRegistry, target: Generation, copy: ProductCopy, progress: RebuildProgress, share: float
) -> Generation:
    """Copy all products, noting now and then how far it is; works for a `share` of the time."""
    done, saved_at = target.copied, 0.0
    worked_since = time.monotonic()
    async for page in copy.copier.copy(target.copied_through):
        await asyncio.sleep(rest_s(time.monotonic() - worked_since, share))
        worked_since = time.monotonic()
        done = target.copied + page.products_copied
        progress.copied(done, max(copy.total, done))
        if time.monotonic() - saved_at > SAVE_EVERY_S:
            saved_at = time.monotonic()
            noted = msgspec.structs.replace(target, copied_through=page.through_id, copied=done)
            await until_milvus_answers(partial(registry.save, noted))
    return msgspec.structs.replace(target, copied=done)


async def _begin_following(settings: Settings, registry: GenerationRegistry, copied: Generation) -> Generation:
    """Let the new generation's workers begin where the copy may have missed events."""
    group = settings.indexing.group_of(copied.collection)
    try:
        await start_group_at(settings.kafka, group, copied.offsets)
    except EventsGone as gone:
        raise VitrineError(
            f"{gone}; raise that topic's retention above the time that a rebuild takes, drop this with `vitrine "
            "reindex --cancel`, and begin anew"
        ) from gone
    following = msgspec.structs.replace(copied, stage="following")
    await until_milvus_answers(lambda: registry.save(following))
    return following


async def _pass_gate(
    active: Generation, target: Generation, request: RebuildRequest, parts: RebuildParts, progress: RebuildProgress
) -> None:
    """Compare both generations. Raises `VitrineError` when the new one falls short, unless the request forces it."""
    verdict = await compare_side_by_side(
        active, target, parts.open_services, request.judgments, request.limits, request.share
    )
    progress.say(verdict_summary(verdict))
    if not request.force:
        check_verdict(target, verdict)
