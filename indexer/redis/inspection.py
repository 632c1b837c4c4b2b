"""What can be seen of a Redis without changing it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from indexer.errors import AccessDenied
from indexer.redis.client import connect_redis, redis_call
from indexer.redis.cluster import each_server
from indexer.redis.config import RedisConfig

DEADLINE_S = 3.0


@dataclass(frozen=True, slots=True)
class RedisMemory:
    """What a Redis says of itself."""

    version: str
    used_bytes: int
    limit_bytes: int
    """0: none."""
    policy: str
    """What it throws out when the limit is reached."""
    is_loading: bool


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What was seen; None: our user may not ask for it."""

    memory: RedisMemory | None
    """Of a cluster, that of the fullest server."""
    ahead_s: float | None
    """By how much its clock is ahead of ours, in seconds."""


async def inspect_redis(config: RedisConfig) -> RedisFacts:
    """Look at a Redis. Raises `StoreUnavailable`, or `AccessDenied` where it does not know us."""
    redis = connect_redis(config)
    # The client's answers are not typed.
    untyped: Any = redis
    memory: RedisMemory | None = None
    ahead_s: float | None = None
    try:
        await _ask(untyped.ping)
        with suppress(AccessDenied):
            async with redis_call(DEADLINE_S):
                servers = await each_server(redis)
            found = [_memory(await _ask(partial(untyped.info, **server))) for server in servers]
            memory = max(found, key=lambda one: (one.limit_bytes and one.used_bytes / one.limit_bytes, one.used_bytes))
        with suppress(AccessDenied):
            asked_at = time.time()
            seconds, microseconds = await _ask(untyped.time)
            ahead_s = seconds + microseconds / 1e6 - (asked_at + time.time()) / 2
    finally:
        await redis.aclose()
    return RedisFacts(memory, ahead_s)


async def _ask(question: Callable[[], Awaitable[Any]]) -> Any:
    async with redis_call(DEADLINE_S):
        return await question()


def _memory(info: dict[str, Any]) -> RedisMemory:
    return RedisMemory(
        str(info.get("redis_version", "0")),
        int(info.get("used_memory", 0)),
        int(info.get("maxmemory", 0)),
        str(info.get("maxmemory_policy", "noeviction")),
        bool(info.get("loading")),
    )
