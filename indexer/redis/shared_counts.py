"""Counters that processes share, such as requests within a window of time."""

from __future__ import annotations

from collections.abc import Mapping

from redis.asyncio import Redis

from indexer.redis.client import redis_call


class RedisSharedCounts:
    """Adds to counters, all in one round trip. Raises `StoreUnavailable`; what was cut off may have been added."""

    def __init__(self, redis: Redis, deadline_s: float = 0.5) -> None:
        self._redis = redis
        self._deadline_s = deadline_s

    async def add(self, increments: Mapping[str, tuple[int, int]]) -> dict[str, int]:
        """The counters' values after adding.

        Args:
            increments: by counter, what to add and in how many seconds from now it may be forgotten.
        """
        async with redis_call(self._deadline_s), self._redis.pipeline(transaction=False) as pipe:
            for name, (amount, ttl_s) in increments.items():
                pipe.incrby(name, amount)  # pyright: ignore
                pipe.expire(name, ttl_s)  # pyright: ignore
            values = await pipe.execute()
        return dict(zip(increments, values[::2], strict=True))
