"""Whose turn it is to do what one of many workers does once in a while."""

from __future__ import annotations

from redis.asyncio import Redis

from indexer.redis.client import redis_call


class RedisTurn:
    """A turn that somebody gets once in `every_s`. A worker that dies in its turn leaves it to the next.

    Raises `StoreUnavailable` when Redis does not answer within its deadline.
    """

    def __init__(self, redis: Redis, name: str, every_s: float, deadline_s: float = 0.5) -> None:
        self._redis = redis
        self._key = f"vitrine:turn:{name}"
        self._every_ms = int(every_s * 1000)
        self._deadline_s = deadline_s

    async def take(self) -> bool:
        """Whether it is the caller's turn; then it is nobody else's for `every_s`."""
        async with redis_call(self._deadline_s):
            return bool(await self._redis.set(self._key, b"", px=self._every_ms, nx=True))
