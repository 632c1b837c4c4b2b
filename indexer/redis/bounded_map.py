"""Bounded maps from keys to bytes, for what can be had again at a price: `RedisBoundedMap` and its double."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Protocol

from redis.asyncio import Redis

from indexer.redis.client import redis_call

TTL_S = 30 * 86_400
"""A map that nobody has used for so long goes, such as that of an encoder version that was replaced."""

# KEYS: young, old. ARGV: half of the bound, lifetime in seconds, … When the young half is full it becomes the old one,
# and what was old goes; in the background, since renaming over it would stop the server meanwhile.
_PRELUDE = """
local function keep(field, value)
  redis.call('HDEL', KEYS[2], field)
  redis.call('HSET', KEYS[1], field, value)
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    redis.call('UNLINK', KEYS[2])
    redis.call('RENAME', KEYS[1], KEYS[2])
  end
end
local function stay()
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  redis.call('EXPIRE', KEYS[2], ARGV[2])
end
"""
_PUT = f"""
{_PRELUDE}
for i = 3, #ARGV, 2 do keep(ARGV[i], ARGV[i + 1]) end
stay()
"""
# What is used is young again.
_GET = f"""
{_PRELUDE}
local found, aged = {{}}, {{}}
for i = 3, #ARGV do
  local value = redis.call('HGET', KEYS[1], ARGV[i])
  if not value then
    value = redis.call('HGET', KEYS[2], ARGV[i])
    if value then aged[ARGV[i]] = value end
  end
  found[i - 2] = value
end
for field, value in pairs(aged) do keep(field, value) end
stay()
return found
"""


class BoundedMap(Protocol):
    """Remembers entries up to a bound, those that were used last; may forget any at any time.

    Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The values that are still known, by key."""
        ...

    async def put(self, entries: Mapping[str, bytes]) -> None:
        """Remember these."""
        ...


class RedisBoundedMap:
    """`BoundedMap` over two Redis hashes, a young and an old half; each call is one atomic script."""

    def __init__(self, redis: Redis, name: str, most: int, deadline_s: float = 0.5) -> None:
        """Args: name: tells it from other maps; most: entries that are kept, of which half are the least."""
        self._deadline_s = deadline_s
        self._half = max(1, most // 2)
        self._keys = [f"vitrine:{{{name}}}:{half}" for half in ("young", "old")]
        self._put = redis.register_script(_PUT)
        self._get = redis.register_script(_GET)

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        if not keys:
            return {}
        async with redis_call(self._deadline_s):
            values = await self._get(keys=self._keys, args=[self._half, TTL_S, *keys])
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    async def put(self, entries: Mapping[str, bytes]) -> None:
        if not entries:
            return
        pairs = [part for pair in entries.items() for part in pair]
        async with redis_call(self._deadline_s):
            await self._put(keys=self._keys, args=[self._half, TTL_S, *pairs])


class InMemoryBoundedMap:
    """The double of `RedisBoundedMap` within one process."""

    def __init__(self, most: int = 1_000) -> None:
        self._most = max(2, most)
        self._entries: OrderedDict[str, bytes] = OrderedDict()

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        known = {key: self._entries[key] for key in keys if key in self._entries}
        for key in known:
            self._entries.move_to_end(key)
        return known

    async def put(self, entries: Mapping[str, bytes]) -> None:
        for key, value in entries.items():
            self._entries[key] = value
            self._entries.move_to_end(key)
        while len(self._entries) > self._most:
            self._entries.popitem(last=False)
