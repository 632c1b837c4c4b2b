"""Which query workers there are and which generations they have at hand, told in Redis, so that a switch can wait."""

from __future__ import annotations

import uuid

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from indexer.redis.client import redis_call

TTL_S = 15.0
"""A worker that is silent for so long is gone."""
_PREFIX = "vitrine:query-worker:"


class WorkerStatus(Struct, frozen=True):
    """One query worker."""

    active: str
    """The generation that it answers from."""
    prepared: str = ""
    """The generation that it could answer from at once."""
    fault: str = ""
    """Why it could not prepare another."""


class WorkerStatusBoard:
    """Tells of this worker, and lists all. Raises `StoreUnavailable`."""

    def __init__(self, redis: Redis, deadline_s: float = 0.5) -> None:
        self._redis = redis
        self._deadline_s = deadline_s
        self._key = f"{_PREFIX}{uuid.uuid4().hex}"

    async def publish(self, presence: WorkerStatus) -> None:
        """Say what this worker has at hand; good for `TTL_S`."""
        async with redis_call(self._deadline_s):
            await self._redis.set(self._key, msgspec.json.encode(presence), px=int(TTL_S * 1000))

    async def remove(self) -> None:
        """Say that this worker is gone."""
        async with redis_call(self._deadline_s):
            await self._redis.delete(self._key)

    async def read_all(self) -> list[WorkerStatus]:
        """All workers that were heard of within `TTL_S`."""
        async with redis_call(10 * self._deadline_s):
            keys = [key async for key in self._redis.scan_iter(match=f"{_PREFIX}*", count=1_000)]
            values = await self._redis.mget(keys) if keys else []
        return [msgspec.json.decode(value, type=WorkerStatus) for value in values if value]
