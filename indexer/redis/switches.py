"""Which variants of experiments are switched off: `RedisVariantSwitches` and its in-memory double."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis

from indexer.redis.client import redis_call

TTL_S = 365 * 86_400
"""After a year nothing is known of an experiment."""
_PREFIX = "vitrine:experiments:"


class RedisVariantSwitches:
    """`VariantSwitches` over a set for each experiment."""

    def __init__(self, redis: Redis, deadline_s: float = 0.5) -> None:
        self._redis = redis
        self._deadline_s = deadline_s

    async def off(self, experiment: str) -> frozenset[str]:
        async with redis_call(self._deadline_s):
            names = await cast(Awaitable[set[bytes]], self._redis.smembers(_PREFIX + experiment))
        return frozenset(name.decode() for name in names)

    async def switch_off(self, experiment: str, variant: str) -> None:
        async with redis_call(self._deadline_s), self._redis.pipeline(transaction=False) as pipe:
            cast(object, pipe.sadd(_PREFIX + experiment, variant))
            pipe.expire(_PREFIX + experiment, TTL_S)
            await pipe.execute()


class InMemoryVariantSwitches:
    """The double of `RedisVariantSwitches` within one process."""

    def __init__(self) -> None:
        self._off: defaultdict[str, set[str]] = defaultdict(set)

    async def off(self, experiment: str) -> frozenset[str]:
        return frozenset(self._off[experiment])

    async def switch_off(self, experiment: str, variant: str) -> None:
        self._off[experiment].add(variant)
