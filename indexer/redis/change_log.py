"""Which products changed of late: `RedisChangeLog`, shared by all processes, and its in-memory double."""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

from indexer.redis.client import redis_call

CHANGES_KEPT = 20_000
"""How many changed products the log remembers."""

# KEYS: sequence, changes, floor. A product keeps only its latest change, so the log is as long as products are many.
_APPEND = """
local last = redis.call('INCRBY', KEYS[1], #ARGV - 1)
for i = 2, #ARGV do redis.call('ZADD', KEYS[2], last - #ARGV + i, ARGV[i]) end
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[1])
if over > 0 then
  local gone = redis.call('ZPOPMIN', KEYS[2], over)
  redis.call('SET', KEYS[3], gone[#gone])
end
"""
_SINCE = """
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
local floor = tonumber(redis.call('GET', KEYS[3]) or '0')
local position = tonumber(ARGV[1])
if position < floor or position > last then return false end
return {last, redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. position, '+inf')}
"""


async def delete_change_log(redis: Redis, generation: str, deadline_s: float = 0.5) -> None:
    """Erase the change log of a generation that is no more."""
    async with redis_call(deadline_s):
        await redis.delete(*_keys(generation))


class RedisChangeLog:
    """`ChangeLog` over a Redis sorted set, each call one atomic script."""

    def __init__(self, redis: Redis, generation: str, deadline_s: float = 0.5, kept: int = CHANGES_KEPT) -> None:
        self._redis = redis
        self._deadline_s = deadline_s
        self._kept = kept
        self._keys = _keys(generation)
        self._append = redis.register_script(_APPEND)
        self._since = redis.register_script(_SINCE)

    async def append(self, product_ids: Sequence[str]) -> None:
        if product_ids:
            async with redis_call(self._deadline_s):
                await self._append(keys=self._keys, args=[self._kept, *product_ids])

    async def position(self) -> int:
        async with redis_call(self._deadline_s):
            return int(await self._redis.get(self._keys[0]) or 0)

    async def since(self, position: int) -> tuple[int, list[str]] | None:
        async with redis_call(self._deadline_s):
            answer = await self._since(keys=self._keys, args=[position])
        return None if answer is None else (int(answer[0]), [product_id.decode() for product_id in answer[1]])


def _keys(generation: str) -> list[str]:
    return [f"vitrine:{{changes:{generation}}}:{part}" for part in ("sequence", "products", "floor")]


class InMemoryChangeLog:
    """The double of `RedisChangeLog` within one process."""

    def __init__(self, kept: int = CHANGES_KEPT) -> None:
        self._kept = kept
        self._last = 0
        self._floor = 0
        self._changes: dict[str, int] = {}

    async def append(self, product_ids: Sequence[str]) -> None:
        for product_id in product_ids:
            self._last += 1
            self._changes.pop(product_id, None)
            self._changes[product_id] = self._last
        while len(self._changes) > self._kept:
            self._floor = self._changes.pop(next(iter(self._changes)))

    async def position(self) -> int:
        return self._last

    async def since(self, position: int) -> tuple[int, list[str]] | None:
        if not self._floor <= position <= self._last:
            return None
        return self._last, [product_id for product_id, at in self._changes.items() if at > position]
