"""Records of API keys in Redis: a hash by the keys' digests, and a number that grows with each change."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis

from indexer.redis.client import redis_call
from indexer.redis.pipelining import ask_together

RECORDS = "vitrine:{api-keys}:records"
VERSION = "vitrine:{api-keys}:version"


class RedisKeyRecords:
    """Bytes by digest. Raises `StoreUnavailable`; a write that was cut off may have happened."""

    def __init__(self, redis: Redis, deadline_s: float = 0.5) -> None:
        self._redis = redis
        self._deadline_s = deadline_s

    async def version(self) -> int:
        """How many changes there were; 0: none."""
        async with redis_call(self._deadline_s):
            (version,) = await ask_together(self._redis, [("GET", VERSION)])
        return int(version or 0)

    async def get(self, digest: str) -> bytes | None:
        """The record of a digest."""
        async with redis_call(self._deadline_s):
            return cast(bytes | None, await cast(Awaitable[object], self._redis.hget(RECORDS, digest)))

    async def all(self) -> list[bytes]:
        """All records."""
        async with redis_call(self._deadline_s):
            return cast(list[bytes], await cast(Awaitable[object], self._redis.hvals(RECORDS)))

    async def put(self, digest: str, record: bytes) -> None:
        """Keep a record; the version grows with it, in one step."""
        async with redis_call(self._deadline_s), self._redis.pipeline(transaction=True) as pipe:
            await pipe.hset(RECORDS, digest, record).incr(VERSION).execute()  # pyright: ignore

    async def remove(self, digest: str) -> None:
        """Forget a record; the version grows with it, in one step."""
        async with redis_call(self._deadline_s), self._redis.pipeline(transaction=True) as pipe:
            await pipe.hdel(RECORDS, digest).incr(VERSION).execute()  # pyright: ignore
