"""Which query workers there are, and which generations each could answer from: kept in Redis for who switches."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import cast

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from indexer.redis.client import redis_call
from indexer.redis.pipelining import ask_together

TTL_S = 15.0
"""A worker that has not published for so long is gone."""
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
    """Publishes this worker's status, and reads those of all. Every method raises `StoreUnavailable`."""

    def __init__(self, redis: Redis, deadline_s: float = 0.5) -> None:
        self._redis = redis
        self._deadline_s = deadline_s
        self._key = f"{_PREFIX}{uuid.uuid4().hex}"

    async def publish(self, status: WorkerStatus) -> None:
        """Publish this worker's status, which is kept for `TTL_S`."""
        async with redis_call(self._deadline_s):
            await self._redis.set(self._key, msgspec.json.encode(status), px=int(TTL_S * 1000))

    async def remove(self) -> None:
        """Withdraw this worker's status, as it stops."""
        async with redis_call(self._deadline_s):
            await self._redis.delete(self._key)

    async def read_all(self) -> list[WorkerStatus]:
        """The statuses of all workers that published within `TTL_S`."""
        async with redis_call(10 * self._deadline_s):
            # redis-py does not say what keys are; without `decode_responses` they are bytes.
            scan = cast(AsyncIterator[bytes], self._redis.scan_iter(match=f"{_PREFIX}*", count=1_000))  # pyright: ignore[reportUnknownMemberType]
            keys = [key async for key in scan]
            values = await ask_together(self._redis, [("GET", key) for key in keys]) if keys else []
        return [msgspec.json.decode(value, type=WorkerStatus) for value in values if value]
