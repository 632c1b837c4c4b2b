"""Who restores profiles that Redis has lost, and whether that is needed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence

from redis.asyncio import Redis

from indexer.redis.client import redis_call
from indexer.redis.cluster import ClusterRedis
from indexer.redis.pipelining import ask_together
from indexer.redis.sharding import Parts, people_tag

RESTORED_KEY = "vitrine:profiles:restored:2"
"""When profiles were last made whole, Unix milliseconds. It has no lifetime: it goes when Redis loses its data.

Numbered by what is restored: since 2 there are sessions, which a Redis of before gets from the topic once."""
LEASE_KEY = "vitrine:profiles:restoring"
_PREFIX = "vitrine:profiles:"

# KEYS: restored, lease.
_TAKE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
return redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
"""
# KEYS: lease.
_RENEW = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('PEXPIRE', KEYS[1], ARGV[2]) or 0"
_RELEASE = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0"
# KEYS: restored, lease.
_COMPLETE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return redis.call('DEL', KEYS[2])
"""


class RedisRestoreLease:
    """`RestoreLease` over a key that expires. A lease once lost is never taken for the next one.

    Each part of a cluster's keys says which server had it when profiles were made whole. They no longer are when one
    has lost that, or when another server has the part: that one may lack the last that the former was told.
    """

    def __init__(self, redis: Redis, lease_s: float = 15.0, deadline_s: float = 0.5) -> None:
        self._redis = redis
        self._lease_ms = int(lease_s * 1000)
        self._deadline_s = deadline_s
        self._holder = ""
        self._servers: list[str] = []
        self._restored, self._leased, self._parts = _keys(redis)
        self._take = redis.register_script(_TAKE)
        self._renew = redis.register_script(_RENEW)
        self._complete = redis.register_script(_COMPLETE)
        self._release = redis.register_script(_RELEASE)

    async def is_needed(self) -> bool:
        async with redis_call(self._deadline_s):
            if isinstance(self._redis, ClusterRedis):
                said, servers = await self._said(self._redis, [self._restored, *self._parts])
                return said != servers
            return not await self._redis.exists(self._restored)

    async def take(self) -> bool:
        self._holder = secrets.token_hex(8)
        if self._parts and not await self.is_needed():
            return False
        async with redis_call(self._deadline_s):
            if self._parts:
                await self._redis.delete(self._restored)
            keys, arguments = [self._restored, self._leased], [self._holder, self._lease_ms]
            is_taken = bool(await self._take(keys=keys, args=arguments))
            if is_taken and isinstance(self._redis, ClusterRedis):
                await self._say([self._holder] * len(self._parts))
                _, self._servers = await self._said(self._redis, [self._restored, *self._parts])
        return is_taken

    async def renew(self) -> bool:
        async with redis_call(self._deadline_s):
            return bool(await self._renew(keys=[self._leased], args=[self._holder, self._lease_ms]))

    async def complete(self) -> bool:
        whole = str(int(time.time() * 1000))
        async with redis_call(self._deadline_s):
            if isinstance(self._redis, ClusterRedis):
                said, servers = await self._said(self._redis, [self._restored, *self._parts])
                if servers != self._servers or any(one != self._holder for one in said[1:]):
                    return False
                whole, *of_parts = servers
                await self._say(of_parts)
            return bool(await self._complete(keys=[self._restored, self._leased], args=[self._holder, whole]))

    async def release(self) -> None:
        async with redis_call(self._deadline_s):
            await self._release(keys=[self._leased], args=[self._holder])

    async def _say(self, said: Sequence[str]) -> None:
        await ask_together(self._redis, [("SET", *pair) for pair in zip(self._parts, said, strict=True)])

    async def _said(self, redis: ClusterRedis, keys: Sequence[str]) -> tuple[list[str], list[str]]:
        """What is said of parts, and which servers have these now."""
        found: list[bytes | None] = await ask_together(self._redis, [("GET", key) for key in keys])
        return [one.decode() if one else "" for one in found], await redis.server_names(keys)


def _keys(redis: Redis) -> tuple[str, str, list[str]]:
    """The keys of whether profiles are whole and of the lease, and of each other part of a cluster."""
    if not isinstance(redis, ClusterRedis):
        return RESTORED_KEY, LEASE_KEY, []
    restored, leased = (key.removeprefix(_PREFIX) for key in (RESTORED_KEY, LEASE_KEY))
    people = _PREFIX + people_tag(redis)
    return people + restored, people + leased, [_PREFIX + tag + restored for tag in Parts(redis).tags]


class InMemoryRestoreState:
    """What the doubles of one store share: whether it is whole, and who restores it until when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.whole = False
        self.holder: object = None
        self.ends = 0.0

    def is_held_by(self, holder: object) -> bool:
        """Whether the lease is this holder's, and has not ended."""
        return holder is not None and self.holder is holder and self.clock() < self.ends


class InMemoryRestoreLease:
    """The double of `RedisRestoreLease` within one process."""

    def __init__(self, restores: InMemoryRestoreState, lease_s: float = 15.0) -> None:
        self._restores = restores
        self._lease_s = lease_s
        self._token: object = None

    async def is_needed(self) -> bool:
        return not self._restores.whole

    async def take(self) -> bool:
        restores = self._restores
        if restores.whole or restores.is_held_by(restores.holder):
            return False
        self._token = restores.holder = object()
        restores.ends = restores.clock() + self._lease_s
        return True

    async def renew(self) -> bool:
        if held := self._restores.is_held_by(self._token):
            self._restores.ends = self._restores.clock() + self._lease_s
        return held

    async def complete(self) -> bool:
        if held := self._restores.is_held_by(self._token):
            self._restores.whole, self._restores.holder = True, None
        return held

    async def release(self) -> None:
        if self._restores.is_held_by(self._token):
            self._restores.holder = None
