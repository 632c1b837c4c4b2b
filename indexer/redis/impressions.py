"""What answers showed: `RedisImpressionStore` and its in-memory double.

A person's are under their own key, which goes when they are forgotten; those that name nobody are in a list for each
hour and shard. An answer of ten hits with 16 features takes some 0.5 KB.
"""

# redis' sorted sets and scans are not wholly typed.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec
from msgspec import structs
from redis.asyncio import Redis

from indexer.ports.impressions import Impression
from indexer.privacy import PrivacyConfig
from indexer.redis.client import redis_call
from indexer.redis.cluster import each_server, scan
from indexer.redis.sharding import people_tag, tag_keys
from indexer.redis.shoppers import person_scripts as scripts

REMEMBERED_MS = 86_400_000
HOUR_MS = 3_600_000
SHARDS = 16
"""Lists of an hour, by the first digit of the query's id: so that no one list, nor who keeps it, takes all."""
ANSWERS_A_CALL = 500
"""Of persons, what one script takes at most."""
KEYS_A_READ = 64
_PREFIX = "vitrine:impressions:"
_SUFFIX = scripts.IMPRESSIONS_SUFFIX

# ARGV: how many impressions are kept of a person, and for how many ms; then of each the user id, its hash, the time
# and what was shown, which is binary.
_REMEMBER = f"""
{scripts.PRELUDE}
local kept, lives_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 3, #ARGV, 4 do
  local user_id, hash, time_ms = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if not refuses(user_id, hash, time_ms) then
    local shown = key_of(user_id, '{_SUFFIX}')
    redis.call('ZADD', shown, time_ms, ARGV[i + 3])
    redis.call('ZREMRANGEBYSCORE', shown, '-inf', time_ms - lives_ms)
    redis.call('ZREMRANGEBYRANK', shown, 0, -1 - kept)
    redis.call('PEXPIRE', shown, lives_ms)
  end
end
"""


@dataclass(frozen=True, slots=True)
class ImpressionLimits:
    """How many are kept, the latest ones."""

    nobodys: int = 200_000
    """Of answers that name nobody, in a day: a 24th of it each hour."""
    a_person: int = 50

    @property
    def a_list(self) -> int:
        """The key of one hour's list."""
        return max(1, self.nobodys // (24 * SHARDS))


_DEFAULT_LIMITS, _DEFAULT_PRIVACY = ImpressionLimits(), PrivacyConfig()


class RedisImpressionStore:
    """`ImpressionStore` over Redis: lists by the hour, and a sorted set for each person."""

    def __init__(
        self,
        redis: Redis,
        deadline_s: float = 0.5,
        limits: ImpressionLimits = _DEFAULT_LIMITS,
        privacy: PrivacyConfig = _DEFAULT_PRIVACY,
        clock_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        """Args: privacy: as the profile store has it; clock_ms: by which those of more than a day ago are left out."""
        self._redis = redis
        tag = people_tag(redis)
        self._users = scripts.USER_PREFIX + tag
        self._tagged = tag_keys(scripts.USER_PREFIX, tag)
        self._deadline_s = deadline_s
        self._limits = limits
        self._privacy = privacy
        self._clock_ms = clock_ms
        self._remember = redis.register_script(_REMEMBER)

    async def remember(self, impressions: Sequence[Impression]) -> None:
        lists: defaultdict[str, list[bytes]] = defaultdict(list)
        persons: list[str | int | bytes] = []
        for impression in impressions:
            if user_id := impression.user_id:
                persons += [user_id, self._privacy.hash_of(user_id), impression.time_ms, _pack(impression)]
            else:
                lists[_list_key(impression)].append(_pack(impression))
        if lists:
            await self._append(lists)
        for start in range(0, len(persons), 4 * ANSWERS_A_CALL):
            part = persons[start : start + 4 * ANSWERS_A_CALL]
            async with redis_call(self._deadline_s):
                await self._remember(keys=self._tagged, args=[self._limits.a_person, REMEMBERED_MS, *part])

    async def of_person(self, user_id: str) -> list[Impression]:
        async with redis_call(self._deadline_s):
            members = cast(list[bytes], await self._redis.zrange(f"{self._users}{user_id}:{_SUFFIX}", 0, -1))
        return self._unpacked(members, user_id)

    async def all(self) -> AsyncIterator[Impression]:
        for pattern, kind in ((f"{_PREFIX}*", "list"), (f"{self._users}*:{_SUFFIX}", "zset")):
            async for keys in self._scan(pattern, kind):
                for key, members in zip(keys, await self._members(keys, kind), strict=True):
                    user_id = "" if kind == "list" else key[len(self._users) : -len(_SUFFIX) - 1]
                    for impression in self._unpacked(members, user_id):
                        yield impression

    async def _append(self, lists: Mapping[str, Sequence[bytes]]) -> None:
        kept, lives_ms = self._limits.a_list, REMEMBERED_MS + HOUR_MS
        async with redis_call(self._deadline_s), self._redis.pipeline(transaction=False) as pipe:
            for key, members in lists.items():
                pipe.rpush(key, *members)
                pipe.ltrim(key, -kept, -1)
                pipe.pexpire(key, lives_ms)
            await pipe.execute()

    async def _scan(self, pattern: str, kind: str) -> AsyncIterator[list[str]]:
        async with redis_call(self._deadline_s):
            servers = await each_server(self._redis)
        for server in servers:
            cursor = 0
            while True:
                async with redis_call(self._deadline_s):
                    cursor, keys = await scan(
                        self._redis, server, cursor, match=pattern, count=10 * KEYS_A_READ, _type=kind
                    )
                for start in range(0, len(keys), KEYS_A_READ):
                    yield [key.decode() for key in keys[start : start + KEYS_A_READ]]
                if not cursor:
                    break

    async def _members(self, keys: Sequence[str], kind: str) -> list[list[bytes]]:
        async with redis_call(self._deadline_s), self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                cast(Awaitable[object], pipe.lrange(key, 0, -1) if kind == "list" else pipe.zrange(key, 0, -1))
            return cast(list[list[bytes]], await pipe.execute())

    def _unpacked(self, members: Sequence[bytes], user_id: str) -> list[Impression]:
        earliest_ms = self._clock_ms() - REMEMBERED_MS
        impressions = (structs.replace(_decoder.decode(member), user_id=user_id) for member in members)
        return [impression for impression in impressions if impression.time_ms > earliest_ms]


class InMemoryImpressionStore:
    """The double of `RedisImpressionStore` within one process."""

    def __init__(
        self,
        refuses: Callable[[str, int], bool] = lambda _user_id, _time_ms: False,
        limits: ImpressionLimits = _DEFAULT_LIMITS,
        clock_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        """Args: refuses: whether nothing is kept of a user id and a time in Unix milliseconds: the profile store's."""
        self._refuses = refuses
        self._limits = limits
        self._clock_ms = clock_ms
        self._lists: dict[str, deque[Impression]] = {}

    async def remember(self, impressions: Sequence[Impression]) -> None:
        for impression in impressions:
            key, kept = f"user {impression.user_id}", self._limits.a_person
            if not impression.user_id:
                key, kept = _list_key(impression), self._limits.a_list
            self._lists.setdefault(key, deque(maxlen=kept)).append(impression)

    async def of_person(self, user_id: str) -> list[Impression]:
        kept = sorted(self._lists.get(f"user {user_id}", ()), key=lambda one: one.time_ms)
        return [impression for impression in kept if self._is_kept(impression)]

    async def all(self) -> AsyncIterator[Impression]:
        for impressions in list(self._lists.values()):
            for impression in impressions:
                if self._is_kept(impression):
                    yield impression

    def _is_kept(self, impression: Impression) -> bool:
        is_of_late = impression.time_ms > self._clock_ms() - REMEMBERED_MS
        return is_of_late and not self._refuses(impression.user_id, impression.time_ms)


def _list_key(impression: Impression) -> str:
    return f"{_PREFIX}{impression.time_ms // HOUR_MS}:{impression.query_id[:1]}"


def _pack(impression: Impression) -> bytes:
    # Whose it is, the key says.
    return _encoder.encode(structs.replace(impression, user_id="") if impression.user_id else impression)


_encoder, _decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Impression)
