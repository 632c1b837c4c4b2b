"""Which generation of the index a process serves, and what it does when that changes."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec
from redis.asyncio import Redis

from encoders.checkpoints import is_same_model
from indexer.errors import AccessDenied, StoreUnavailable
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.registry import Generation, GenerationRegistry, Generations
from indexer.milvus.store import drop_generation
from indexer.redis.change_log import delete_change_log
from streams.delivery.availability import OUTAGES
from vitrine.settings import Settings

log = logging.getLogger(__name__)

POLL_S = 0.5
"""How often the registry is read by who waits for a generation."""
WATCH_S = 2.0
"""How often it is read by who has one: the generation before goes on for `HANDOVER_S` after a switch."""
HANDOVER_S = 20.0
"""How long a standby worker goes on with a generation that became active, while the active workers come over."""
RETIRE_DELAY_S = 5.0
"""Between marking a generation as going and removing it: whoever follows it has noticed by then."""
ANNOUNCE_OVERLAP_MS = 60_000
"""For so long after a switch, the workers of the former generation still announce changes."""

ENCODER_VARIABLE = "VITRINE_ENCODER_NAME"


@dataclass(frozen=True, slots=True)
class GenerationBinding:
    """The generation that a worker serves."""

    generation: Generation | None
    """None: there is none yet, the worker makes the first."""
    encoder_name: str
    standby: bool = False
    """Whether it is not the active one."""
    announces_until_ms: float = float("inf")
    """Changes by events that came later are not announced, Unix milliseconds."""

    def is_superseded(self, now: Generations) -> bool:
        """Whether the registry gives the worker something else to serve."""
        if self.generation is None:
            return False
        if not self.standby:
            return now.active is not None and now.active.collection != self.generation.collection
        own = now.others.get(self.generation.collection)
        return own is None or own.stage == "dropping"


def bind_active(settings: Settings, now: Generations) -> GenerationBinding:
    """The active generation with its encoder; the configuration's own choice of an encoder goes first.

    Where that is a hub's model without a commit, and the generation notes one, it is that commit of it.
    """
    noted, chosen = now.active.encoder_name if now.active else "", settings.encoder.name
    if not chosen or is_same_model(chosen, noted):
        chosen = noted
    encoder = settings.encoder
    return GenerationBinding(
        now.active, chosen or (encoder.name_for_nameless_index if now.active else encoder.name_for_new_index)
    )


def bind_generation(settings: Settings, generation: Generation) -> GenerationBinding:
    """A generation with the encoder that it was made with, whatever the configuration says by now."""
    return GenerationBinding(generation, generation.encoder_name or settings.encoder.name_for_nameless_index)


def bind_standby(settings: Settings, now: Generations) -> GenerationBinding | None:
    """The generation that is kept up to date beside the active one, if there is one."""
    generation = now.in_stage("following", "ready", "held")
    if generation is None:
        return None
    switched_ms = now.history[-1].at_ms if now.history and generation.stage == "held" else float("-inf")
    binding = bind_generation(settings, generation)
    return replace(binding, standby=True, announces_until_ms=switched_ms + ANNOUNCE_OVERLAP_MS)


async def wait_for_standby(settings: Settings, registry: GenerationRegistry, wait: bool) -> GenerationBinding | None:
    """Wait for something to stand by for; None, unless told to wait, once there is nothing.

    Raises:
        AccessDenied: Milvus does not let us in as we begin.
    """
    try:
        await registry.read()
    except AccessDenied:
        raise
    except StoreUnavailable:
        # It is away, and waited for.
        pass
    while True:
        now = await _read(registry)
        binding = bind_standby(settings, now) if now else None
        if binding is not None or (now is not None and not wait and now.in_stage("copying") is None):
            return binding
        await asyncio.sleep(POLL_S)


async def standby_wanted(settings: Settings) -> bool:
    """Whether a generation is to be kept up to date beside the active one."""
    async with GenerationRegistry(settings.milvus) as registry:
        now = await _read(registry)
    return now is not None and bind_standby(settings, now) is not None


async def watch_until_superseded(
    registry: GenerationRegistry, binding: GenerationBinding, over: Callable[[Generations], None]
) -> None:
    """Watch the registry for ever; call `over` once the worker is to serve something else."""
    while True:
        now = await _read(registry)
        if now is not None and binding.is_superseded(now):
            became_active = _is_active(now, binding)
            log.info("generation_changed", extra={"active": now.active and now.active.collection})
            await asyncio.sleep(HANDOVER_S if binding.standby and became_active else 0)
            over(now)
            return
        await asyncio.sleep(WATCH_S)


async def retire_generations(registry: GenerationRegistry, milvus: MilvusConfig, redis: Redis) -> None:
    """Remove generations whose hold is over, for ever; any number of workers may do so at once."""
    while True:
        now = await _read(registry)
        for generation in now.others.values() if now else ():
            if _is_to_be_dropped(generation):
                try:
                    await retire_generation(generation, registry, milvus, redis)
                except StoreUnavailable as error:
                    extra = {"generation": generation.collection, "error": str(error)[:300]}
                    log.warning("generation_not_dropped", extra=extra)
        await asyncio.sleep(RETIRE_DELAY_S)


def _is_to_be_dropped(generation: Generation) -> bool:
    is_over = generation.stage == "held" and generation.hold_until_ms < time.time() * 1000
    return generation.stage == "dropping" or is_over


def restart_process(now: Generations) -> None:
    """Begin anew as the same process, with nothing left of the former generation; does not return.

    The encoder that the configuration names was chosen before the switch, so that of the active generation counts.
    """
    log.info("worker_restarts")
    logging.shutdown()
    environ = dict(os.environ)
    if now.active and now.active.encoder_name:
        environ[ENCODER_VARIABLE] = now.active.encoder_name
    os.execve(sys.executable, [sys.executable, "-P", "-m", "vitrine", *sys.argv[1:]], environ)


def _is_active(now: Generations, binding: GenerationBinding) -> bool:
    return bool(now.active and binding.generation and now.active.collection == binding.generation.collection)


async def retire_generation(
    generation: Generation, registry: GenerationRegistry, milvus: MilvusConfig, redis: Redis
) -> None:
    """Remove a generation that is not active, once nobody follows it any more. Raises `StoreUnavailable`."""
    if generation.stage != "dropping":
        await registry.save(msgspec.structs.replace(generation, stage="dropping"))
        await asyncio.sleep(RETIRE_DELAY_S)
    await drop_generation(milvus, generation.collection)
    await delete_change_log(redis, generation.collection)
    await registry.forget(generation.collection)
    log.info("generation_dropped", extra={"generation": generation.collection})


async def _read(registry: GenerationRegistry) -> Generations | None:
    """The registry; None while Milvus is away, which is no news."""
    try:
        now = await registry.read()
    except StoreUnavailable as error:
        OUTAGES.failed("milvus", str(error))
        return None
    OUTAGES.answered("milvus")
    return now
