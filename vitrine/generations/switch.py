"""Switching between generations of the index: who may, what is waited for, and the way back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Protocol, TypeVar

import msgspec
from redis.asyncio import Redis
from redis.exceptions import LockError

from indexer.errors import AccessDenied
from indexer.milvus.registry import Generation, GenerationRegistry, GenerationStage
from indexer.redis.client import open_redis
from query_api.generations.worker_status import WorkerStatusBoard
from streams.delivery.availability import until_available
from streams.events.schema import PRODUCT_EVENTS
from streams.kafka.lag import LagProbe
from vitrine.errors import VitrineError
from vitrine.generations.binding import retire_generation
from vitrine.settings import Settings

LOCK_S = 20.0
"""A rebuild that is silent for so long has died, and another may begin."""
UNDER_WAY_S = 2.0
"""Within this long of having come, events are under way rather than late."""
PREPARE_S = 180.0
"""How long query workers may take to load a generation."""
ANNOUNCED_S = 120.0
"""How long the generation before may take to announce what it has yet to, before it is given up."""
POLL_S = 0.5

T = TypeVar("T")
StartStandby = Callable[[], Awaitable[None]]
"""Has a standby worker keep a generation up to date, where this process is who starts workers."""


class RebuildProgress(Protocol):
    """Is told how a rebuild comes on."""

    def say(self, text: str) -> None:
        """Something happened."""
        ...

    def copied(self, done: int, total: int) -> None:
        """Tell how many products of about how many are copied."""
        ...

    def behind(self, events: int) -> None:
        """Tell how many events are not yet in the new generation."""
        ...


@asynccontextmanager
async def locked_registry(settings: Settings) -> AsyncIterator[tuple[GenerationRegistry, Redis]]:
    """The registry and Redis, with the right to change generations."""
    async with AsyncExitStack() as resources:
        registry = await resources.enter_async_context(GenerationRegistry(settings.milvus))
        redis = await resources.enter_async_context(open_redis(settings.redis))
        await resources.enter_async_context(_rebuild_lock(redis))
        yield registry, redis


async def roll_back(
    settings: Settings, hold_s: float, start_standby: StartStandby, progress: RebuildProgress, wait: bool = True
) -> Generation:
    """Switch back to the generation that was active before; the present one is held.

    Args:
        settings: the configuration in force.
        hold_s: how long the present one is kept to be switched to again.
        start_standby: is called before waiting.
        progress: is told.
        wait: for the former one to have all events, should it be behind; False: switch at once.

    Raises:
        VitrineError: no generation is held.
    """
    async with locked_registry(settings) as (registry, redis):
        held = (await until_milvus_answers(registry.read)).in_stage("held")
        if held is None:
            raise VitrineError("no generation is held to switch back to: its hold is over, or there never was another")
        await start_standby()
        if wait:
            await wait_until_caught_up(settings, held, progress)
        # Marked as ready, query workers prepare it; it is removed no more.
        await until_milvus_answers(lambda: registry.save(msgspec.structs.replace(held, stage="ready", hold_until_ms=0)))
        await wait_for_query_workers(redis, held.collection, progress)
        await until_milvus_answers(lambda: registry.switch(held, ms_from_now(hold_s), "rollback"))
        progress.say(f"switched back to {held.collection}")
        return held


async def cancel_rebuild(settings: Settings) -> str | None:
    """Drop a generation that was begun and never switched to; its name, None when there is none."""
    return await _drop_in_stage(settings, "copying", "following", "ready")


async def drop_held(settings: Settings, progress: RebuildProgress) -> str | None:
    """Drop the generation that could be switched back to; its name, None when there is none.

    Raises:
        VitrineError: it is kept, as nobody follows it, or not fast enough.
    """
    return await _drop_in_stage(settings, "held", "dropping", first=partial(_wait_until_announced, settings, progress))


async def _wait_until_announced(settings: Settings, progress: RebuildProgress, generation: Generation) -> None:
    """Who follows it announces what its workers had not done when they were switched: they have to have done it."""
    if generation.stage != "held":
        return
    try:
        async with asyncio.timeout(ANNOUNCED_S):
            await wait_until_caught_up(settings, generation, progress)
    except TimeoutError:
        raise VitrineError(
            f"{generation.collection} is kept: it did not catch up within {ANNOUNCED_S:.0f} s, and what it has yet to "
            "announce would be lost; see that a standby worker runs (`vitrine status`), and drop it then"
        ) from None


async def _drop_in_stage(
    settings: Settings, *stages: GenerationStage, first: Callable[[Generation], Awaitable[None]] | None = None
) -> str | None:
    """Drop the generation in one of some stages. Args: first: what is waited for before."""
    async with locked_registry(settings) as (registry, redis):
        generation = (await registry.read()).in_stage(*stages)
        if generation is None:
            return None
        if first is not None:
            await first(generation)
        await retire_generation(generation, registry, settings.milvus, redis)
        return generation.collection


async def until_milvus_answers(call: Callable[[], Awaitable[T]]) -> T:
    """The answer of an idempotent call to Milvus, however long that is away.

    Raises:
        VitrineError: Milvus does not let us in; waiting does not help.
    """

    async def answer() -> T:
        try:
            return await call()
        except AccessDenied as error:
            raise VitrineError(str(error)) from error

    return await until_available("milvus", answer)


def ms_from_now(seconds: float) -> int:
    """The time `seconds` from now, in Unix milliseconds."""
    return int((time.time() + seconds) * 1000)


async def wait_until_caught_up(settings: Settings, target: Generation, progress: RebuildProgress) -> None:
    """Wait until a generation has all events but those of the last moments, which are under way."""
    group = settings.indexing.group_of(target.collection)
    async with LagProbe(settings.kafka, group) as probe:
        ends: dict[int, int] = {}
        while True:
            lags = await probe.lag(PRODUCT_EVENTS)
            progress.behind(sum(lag.messages for lag in lags))
            if ends and all(lag.next_offset >= ends.get(lag.partition, lag.end_offset) for lag in lags):
                return
            ends = {lag.partition: lag.end_offset for lag in lags}
            await asyncio.sleep(UNDER_WAY_S)


async def wait_for_query_workers(redis: Redis, generation: str, progress: RebuildProgress) -> None:
    """Wait until all query workers could answer from a generation at once. Raises `VitrineError` when one cannot."""
    board = WorkerStatusBoard(redis)
    give_up = time.monotonic() + PREPARE_S
    while True:
        workers = await board.read_all()
        late = [worker for worker in workers if generation not in (worker.prepared, worker.active)]
        if not late:
            progress.say(f"{len(workers)} query workers have {generation} at hand")
            return
        if time.monotonic() > give_up:
            why = "; ".join(sorted({worker.fault for worker in late if worker.fault})) or "they do not say why"
            raise VitrineError(f"{len(late)} query workers could not load {generation} in {PREPARE_S:.0f} s: {why}")
        await asyncio.sleep(POLL_S)


@asynccontextmanager
async def _rebuild_lock(redis: Redis) -> AsyncIterator[None]:
    """Be the only one who changes generations, until done or dead."""
    lock = redis.lock("vitrine:rebuild", timeout=LOCK_S, blocking=False)
    if not await lock.acquire():
        raise VitrineError(
            f"another rebuild is under way; should it have been killed, this works again after {LOCK_S:.0f} s"
        )

    async def renew() -> None:
        while True:
            await asyncio.sleep(LOCK_S / 4)
            await lock.reacquire()

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        with suppress(LockError):
            await lock.release()
