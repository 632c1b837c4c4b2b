"""What shoppers did and are like: `RedisProfileStore` and its in-memory double."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import cast

import msgspec
from redis.asyncio import Redis

from indexer.ports import Interaction
from indexer.redis_client import redis_call

HISTORY = 200
"""How many interactions of a user are kept, the latest ones."""
USER_TTL_S = 180 * 86_400
POPULAR = 10_000
"""How many products take part in popularity."""
POPULAR_HALF_LIFE_S = 7 * 86_400
POPULARITY_EPOCH_S = 1_735_689_600  # 2025-01-01; weights grow from here, see `popularity_weight`.
KIND_WEIGHTS = {"viewed": 1.0, "clicked": 2.0, "liked": 4.0, "carted": 6.0, "purchased": 10.0}

# KEYS: the user's history, popularity. Popularity counts an event only when the history did not have it yet.
_RECORD = """
if redis.call('ZADD', KEYS[1], 'NX', ARGV[1], ARGV[2]) == 1 then
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[3])
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  redis.call('ZINCRBY', KEYS[2], ARGV[5], ARGV[6])
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[7])
end
"""
# KEYS: the user's traits. A trait is kept as {time, value}; the later time wins, a cleared one stays as a marker.
_SET_TRAITS = """
for i = 3, #ARGV, 2 do
  local old = redis.call('HGET', KEYS[1], ARGV[i])
  if not old or tonumber(ARGV[1]) >= cjson.decode(old)[1] then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


class RedisProfileStore:
    """`ProfileStore` over Redis sorted sets and hashes, each event one atomic script in a pipeline."""

    def __init__(self, redis: Redis, deadline_s: float = 0.5) -> None:
        self._redis = redis
        self._deadline_s = deadline_s
        self._record = redis.register_script(_RECORD)
        self._set_traits = redis.register_script(_SET_TRAITS)

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> None:
        if not interactions:
            return
        async with redis_call(self._deadline_s), self._redis.pipeline(transaction=False) as pipe:
            for user_id, one in interactions:
                bounds = [HISTORY, USER_TTL_S, popularity_weight(one), one.product_id, POPULAR]
                await self._record(
                    keys=[_history_key(user_id), _POPULAR_KEY], args=[one.time_ms, _member(one), *bounds], client=pipe
                )
            await pipe.execute()

    async def set_traits(self, traits: Sequence[tuple[str, int, Mapping[str, str | None]]]) -> None:
        if not traits:
            return
        async with redis_call(self._deadline_s), self._redis.pipeline(transaction=False) as pipe:
            for user_id, time_ms, named in traits:
                pairs = [
                    part for name, value in named.items() for part in (name, msgspec.json.encode([time_ms, value]))
                ]
                await self._set_traits(keys=[_traits_key(user_id)], args=[time_ms, USER_TTL_S, *pairs], client=pipe)
            await pipe.execute()

    async def recent(self, user_id: str) -> list[Interaction]:
        async with redis_call(self._deadline_s):
            found = cast(
                list[tuple[bytes, float]],
                await self._redis.zrevrange(_history_key(user_id), 0, HISTORY - 1, withscores=True),
            )
        return [Interaction(*msgspec.json.decode(member), time_ms=int(score)) for member, score in found]

    async def traits(self, user_id: str) -> dict[str, str]:
        async with redis_call(self._deadline_s):
            found = await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(_traits_key(user_id)))
        values = {name.decode(): msgspec.json.decode(value)[1] for name, value in found.items()}
        return {name: value for name, value in values.items() if value is not None}

    async def popular(self, limit: int) -> list[str]:
        async with redis_call(self._deadline_s):
            found = cast(list[bytes], await self._redis.zrevrange(_POPULAR_KEY, 0, limit - 1))
        return [product_id.decode() for product_id in found]

    async def forget(self, user_id: str) -> None:
        async with redis_call(self._deadline_s):
            await self._redis.delete(_history_key(user_id), _traits_key(user_id))


class InMemoryProfileStore:
    """The double of `RedisProfileStore` within one process."""

    def __init__(self) -> None:
        self._history: dict[str, dict[bytes, Interaction]] = {}
        self._traits: dict[str, dict[str, tuple[int, str | None]]] = {}
        self._popular: dict[str, float] = {}

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> None:
        for user_id, one in interactions:
            history = self._history.setdefault(user_id, {})
            if _member(one) in history:
                continue
            history[_member(one)] = one
            if len(history) > HISTORY:
                del history[min(history, key=lambda member: history[member].time_ms)]
            self._popular[one.product_id] = self._popular.get(one.product_id, 0.0) + popularity_weight(one)

    async def set_traits(self, traits: Sequence[tuple[str, int, Mapping[str, str | None]]]) -> None:
        for user_id, time_ms, named in traits:
            kept = self._traits.setdefault(user_id, {})
            kept |= {n: (time_ms, v) for n, v in named.items() if n not in kept or time_ms >= kept[n][0]}

    async def recent(self, user_id: str) -> list[Interaction]:
        return sorted(self._history.get(user_id, {}).values(), key=lambda one: -one.time_ms)

    async def traits(self, user_id: str) -> dict[str, str]:
        return {name: value for name, (_, value) in self._traits.get(user_id, {}).items() if value is not None}

    async def popular(self, limit: int) -> list[str]:
        return sorted(self._popular, key=lambda product_id: -self._popular[product_id])[:limit]

    async def forget(self, user_id: str) -> None:
        self._history.pop(user_id, None)
        self._traits.pop(user_id, None)


def popularity_weight(one: Interaction) -> float:
    """What an interaction adds to its product's popularity.

    Later ones weigh more instead of older ones decaying, so nothing has to be rewritten as time passes.
    Source: Cormode et al., 2009, "Forward Decay: A Practical Time Decay Model for Streaming Systems".
    """
    age_s = min(one.time_ms / 1000, time.time()) - POPULARITY_EPOCH_S
    return KIND_WEIGHTS.get(one.kind, 0.0) * 2.0 ** (age_s / POPULAR_HALF_LIFE_S)


_POPULAR_KEY = "vitrine:popular"


def _history_key(user_id: str) -> str:
    return f"vitrine:user:{user_id}:history"


def _traits_key(user_id: str) -> str:
    return f"vitrine:user:{user_id}:traits"


def _member(one: Interaction) -> bytes:
    return msgspec.json.encode([one.event_id, one.kind, one.product_id])
