"""Redis, Milvus and the bucket of media: reached, new enough, and kept as the index needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

from encoders.checkpoints import is_same_model
from indexer.errors import AccessDenied, MissingExtra, StoreUnavailable
from indexer.milvus.generations import analysis_notice, full_text_notice
from indexer.milvus.inspection import LEAST_VERSION, milvus_version, version_numbers
from indexer.milvus.registry import GenerationRegistry, Generations
from indexer.redis.inspection import RedisFacts, RedisMemory, inspect_redis
from streams.delivery.decoding import Horizon
from vitrine.doctor.findings import Finding, failure, in_gib, not_running, ok, warning
from vitrine.errors import NotRunning
from vitrine.media_stores import open_media_store
from vitrine.settings import Settings
from vitrine.stack.servers import reachable_milvus, redis_url

LEAST_REDIS = (6,)
FULL = 0.9
"""Of the memory that Redis may use."""
NOTABLE_SKEW_S = 30.0
_NO_FILE = "0" * 64
"""A hash that nothing has."""


async def check_redis(settings: Settings) -> AsyncIterator[Finding]:
    """All about Redis."""
    try:
        config = replace(settings.redis, url=redis_url(settings))
    except NotRunning as error:
        yield not_running("redis", error)
        return
    try:
        facts = await inspect_redis(config)
    except AccessDenied as error:
        yield failure("redis", str(error), "docs/operations.md says how workers log in to Redis")
        return
    except StoreUnavailable as error:
        yield failure("redis", str(error), "is it running, and is redis.url its address?")
        return
    for finding in judge_redis(facts):
        yield finding


def judge_redis(facts: RedisFacts) -> Iterator[Finding]:
    """What follows from what was seen."""
    if facts.memory is None:
        advice = "run this with an administrator's redis.username to have its version and memory checked"
        yield ok("redis", "it answers, and our user may not ask how it is: " + advice)
    else:
        yield from _judge_memory(facts.memory)
    if facts.ahead_s is None:
        return
    skew_s, way = abs(facts.ahead_s), "ahead of" if facts.ahead_s > 0 else "behind"
    message = f"Redis' clock is {skew_s:.0f} s {way} this one"
    if skew_s > Horizon().future_s:
        yield failure("clocks", message, "run NTP on both: events from the future are dead letters")
    elif skew_s > NOTABLE_SKEW_S:
        yield warning("clocks", message, "run NTP on both")
    else:
        yield ok("clocks", f"Redis' clock agrees to {skew_s:.1f} s")


EVICTION = "CONFIG SET maxmemory-policy volatile-ttl: cached results end soonest, so those go first"


def _judge_memory(memory: RedisMemory) -> Iterator[Finding]:
    if version_numbers(memory.version) < LEAST_REDIS:
        yield failure("redis", f"version {memory.version} is too old", "use Redis 6 or later")
    else:
        limit = in_gib(memory.limit_bytes) if memory.limit_bytes else "no limit"
        yield ok("redis", f"version {memory.version}, {in_gib(memory.used_bytes)} used, {limit}")
    if memory.is_loading:
        yield warning("redis", "it is still loading its data", "wait until it has")
    if memory.policy.startswith("allkeys"):
        yield failure("redis", f"maxmemory-policy {memory.policy} throws API keys and the change log out", EVICTION)
    elif memory.policy.startswith("volatile") and memory.policy != "volatile-ttl":
        yield warning("redis", f"maxmemory-policy {memory.policy} may throw profiles out before caches", EVICTION)
    if memory.limit_bytes and memory.used_bytes > FULL * memory.limit_bytes:
        advice = "raise maxmemory: nothing is written once it is full"
        yield warning("redis", f"{memory.used_bytes / memory.limit_bytes:.0%} of its memory is used", advice)


async def check_media(settings: Settings) -> AsyncIterator[Finding]:
    """The bucket of media, where they are in one; whether we may write there is not tried."""
    if not settings.media_store.url:
        return
    try:
        await open_media_store(settings).get(_NO_FILE)
    except (MissingExtra, StoreUnavailable) as error:
        yield failure("media", str(error), "docs/operations.md says how workers reach a bucket")
    else:
        yield ok("media", f"{settings.media_store.url} answers")


async def check_milvus(settings: Settings) -> AsyncIterator[Finding]:
    """All about Milvus, and the encoder that its index is made with."""
    try:
        config = reachable_milvus(settings)
    except NotRunning as error:
        yield not_running("milvus", error)
        return
    try:
        async with GenerationRegistry(config) as registry:
            generations = await registry.read()
        version = await milvus_version(config)
    except StoreUnavailable as error:
        advice = "is it running, is milvus.uri its address, and milvus.token what it wants?"
        yield failure("milvus", str(error).partition("\n")[0][:300], advice)
        return
    for finding in judge_milvus(settings, version, generations):
        yield finding


def judge_milvus(settings: Settings, version: str, generations: Generations) -> Iterator[Finding]:
    """What follows from what was seen."""
    if version_numbers(version) and version_numbers(version) < LEAST_VERSION:
        judge = failure if settings.milvus.full_text else warning
        yield judge("milvus", f"version {version} is too old: it lacks full text", "use Milvus 2.5 or later")
    else:
        yield ok(
            "milvus", f"version {version}" if version else "it answers, and does not say its version, as Milvus Lite"
        )
    active = generations.active
    if active is None:
        yield ok("index", "there is none yet; the first indexing worker makes it")
        return
    named = settings.encoder.name
    if named and active.encoder_name and not is_same_model(named, active.encoder_name):
        message = f"encoder.name = {named}, and the index is made with {active.encoder_name}"
        advice = f"`vitrine reindex --encoder {named}` rebuilds it; or take encoder.name out of the configuration"
        yield failure("index", message, advice)
    else:
        yield ok("index", f"{active.collection}, made with {active.encoder_name or active.encoder}")
    if notice := analysis_notice(active):
        yield warning("index", notice, "`vitrine reindex` rebuilds it beside the one that is searched")
    if notice := full_text_notice(active):
        yield warning("index", notice, "`vitrine reindex` rebuilds it with milvus.full_text = true, from Milvus 2.5 on")
