"""Which products changed of late: `RedisChangeLog`, shared by all processes, and its in-memory double."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

from redis.asyncio import Redis

from indexer.ports.changes import LogPosition, LogReading
from indexer.redis.client import redis_call
from indexer.redis.server_life import OwnConnection

CHANGES_KEPT = 20_000
"""How many changed products the log remembers."""

# KEYS: sequence, changes, floor. A product keeps only its latest change, so the log is as long as products are many.
# A log that is not there, as Redis is new or was emptied, begins at the time in tenths of a millisecond: above all
# numbers that were given before, and of 14 digits, as more are rounded by version 0.2.0, whose answers were stale then.
# Changes that are gone while the sequence is not, as Redis may evict keys, are below the floor.
_BEGIN = """
local function begin(now)
  local last = redis.call('GET', KEYS[1])
  if last then return tonumber(last) end
  redis.call('DEL', KEYS[2])
  redis.call('SET', KEYS[1], now)
  redis.call('SET', KEYS[3], now)
  return tonumber(now)
end
"""
_APPEND = f"""{_BEGIN}
local before = begin(ARGV[2])
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('SET', KEYS[3], string.format('%d', before)) end
local last = redis.call('INCRBY', KEYS[1], #ARGV - 2)
for i = 3, #ARGV do redis.call('ZADD', KEYS[2], last - #ARGV + i, ARGV[i]) end
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[1])
if over > 0 then
  local gone = redis.call('ZPOPMIN', KEYS[2], over)
  redis.call('SET', KEYS[3], gone[#gone])
end
"""
_POSITION = f"{_BEGIN} return begin(ARGV[1])"
_SINCE = f"""{_BEGIN}
local last = begin(ARGV[2])
local floor = tonumber(redis.call('GET', KEYS[3]) or '0')
local position = tonumber(ARGV[1])
if position < floor or position > last then return {{last}} end
local changed = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf')
if last > position and #changed == 0 then return {{last}} end
return {{last, changed}}
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
        self._position = redis.register_script(_POSITION)
        self._since = redis.register_script(_SINCE)
        self._connection = OwnConnection(redis, self._keys[0])

    async def append(self, product_ids: Sequence[str]) -> None:
        if product_ids:
            async with redis_call(self._deadline_s):
                await self._append(keys=self._keys, args=[self._kept, _now(), *product_ids])

    async def position(self) -> int:
        async with redis_call(self._deadline_s):
            return int(await self._position(keys=self._keys, args=[_now()]))

    async def since(self, position: int) -> tuple[int, list[str]] | None:
        async with redis_call(self._deadline_s):
            last, changed = _decoded(await self._since(keys=self._keys, args=[position, _now()]))
        return None if changed is None else (last, changed)

    async def read(self, after: LogPosition | None) -> LogReading:
        async with redis_call(self._deadline_s):
            if after is not None:
                # Most of the time nothing happened, and a plain GET says so.
                epoch, last = await self._connection.call("GET", self._keys[0])
                if after.epoch == epoch and last == b"%d" % after.sequence:
                    return LogReading(after, [])
            position = after.sequence if after is not None else -1
            epoch, answer = await self._connection.run(self._since, self._keys, position, _now())
        sequence, changed = _decoded(answer)
        continues = after is not None and after.epoch == epoch
        return LogReading(LogPosition(epoch, sequence), changed if continues else None)

    async def aclose(self) -> None:
        """Give back the connection on which changes were read."""
        await self._connection.aclose()


def _decoded(answer: list[Any]) -> tuple[int, list[str] | None]:
    """What the script says: the latest position, and what changed, where that is known."""
    changed = cast("list[bytes] | None", answer[1] if len(answer) > 1 else None)
    return int(answer[0]), None if changed is None else [product_id.decode() for product_id in changed]


def _keys(generation: str) -> list[str]:
    return [f"vitrine:{{changes:{generation}}}:{part}" for part in ("sequence", "products", "floor")]


def _now() -> int:
    return time.time_ns() // 100_000


class InMemoryChangeLog:
    """The double of `RedisChangeLog` within one process.

    Attributes:
        epoch: may be set, as if the server had started anew.
    """

    def __init__(self, kept: int = CHANGES_KEPT) -> None:
        self.epoch = "1"
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

    async def read(self, after: LogPosition | None) -> LogReading:
        position = LogPosition(self.epoch, self._last)
        known = await self.since(after.sequence) if after is not None and after.epoch == self.epoch else None
        return LogReading(position, None if known is None else known[1])

    async def aclose(self) -> None:
        """Nothing to give back."""

    def flush(self) -> None:
        """Forget everything, as a server that is emptied does."""
        self._last += 1_000_000
        self._floor = self._last
        self._changes.clear()
