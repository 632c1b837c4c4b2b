"""The keys that people's dead letters are encrypted with: `RedisPersonKeys` and its in-memory double.

A key is random, has a random name that says nothing of its person, and goes when its person is forgotten
(`RedisProfileStore.forget`) or has had no dead letter for `privacy.kept_days`. With Redis' data the keys are lost, and
with them what the letters hold; where those came from, a letter still says.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from typing import cast

import msgspec
from redis.asyncio import Redis

from indexer.ports.profiles import PersonKey
from indexer.privacy import KEY_BYTES, PrivacyConfig
from indexer.redis.client import redis_call
from indexer.redis.sharding import people_tag, tag_keys
from indexer.redis.shoppers import person_scripts as scripts

UNKNOWN_TTL_S = 30 * 86_400
"""For how long the letters of a day can be read of which it is not known whose they are: no forgetting finds them."""
_DAY_MS = 86_400_000

# ARGV: {user id, its hash, time, where its key's name is, a name and a key in case there is none}…, the name of the
# secret, lifetime. Returns names and keys, empty ones where the user is forgotten as of that time.
_HAVE = f"""
{scripts.PRELUDE}
local secret, ttl_s = ARGV[2], ARGV[3]
local answers = {{}}
for i, person in ipairs(cmsgpack.unpack(ARGV[1])) do
  local user_id, hash, time_ms, letters, new_id, new_key = unpack(person)
  answers[i] = {{'', ''}}
  if time_ms > about(user_id, hash).until_ms then
    local stored = redis.call('HMGET', letters, 'id', 'since')
    local id, since_ms = stored[1], tonumber(stored[2])
    local key = id and redis.call('GET', '{scripts.KEY_PREFIX}' .. tag .. id)
    if not key or key:sub(1, #secret + 1) ~= secret .. ':' then
      -- One that nobody here can read would outlive a forgetting, which looks for one key.
      if id then redis.call('DEL', '{scripts.KEY_PREFIX}' .. tag .. id) end
      id, key, since_ms = new_id, new_key, nil
      redis.call('SET', '{scripts.KEY_PREFIX}' .. tag .. id, key)
    end
    -- The earliest of all that it locks: a forgetting from then on destroys it, one that comes again leaves it alone.
    if not since_ms or time_ms < since_ms then
      redis.call('HSET', letters, 'id', id, 'since', string.format('%d', time_ms))
    end
    redis.call('EXPIRE', letters, ttl_s)
    redis.call('EXPIRE', '{scripts.KEY_PREFIX}' .. tag .. id, ttl_s)
    answers[i] = {{id, key}}
  end
end
return answers
"""


class RedisPersonKeys:
    """`PersonKeys` over Redis; all keys of a call are had by one atomic script."""

    def __init__(self, redis: Redis, privacy: PrivacyConfig, deadline_s: float = 0.5) -> None:
        """Args: privacy: as the profile store has it."""
        self._redis = redis
        self._tag = people_tag(redis)
        self._tagged = tag_keys(scripts.USER_PREFIX, self._tag)
        self._privacy = privacy
        self._deadline_s = deadline_s
        self._have = redis.register_script(_HAVE)

    async def keys_of(self, persons: Sequence[tuple[str, int]]) -> list[PersonKey | None]:
        packed = [
            (user_id, self._privacy.hash_of(user_id), time_ms, self._letters_key(user_id), *self._new_key())
            for user_id, time_ms in persons
        ]
        answers = await self._run(packed, self._privacy.kept_s) if packed else []
        return [PersonKey(name, self._privacy.unwrap(kept)) if name else None for name, kept in answers]

    async def key_of_unknown(self) -> PersonKey:
        day = int(time.time() * 1000) // _DAY_MS
        packed = [("", "", day * _DAY_MS, f"vitrine:letters:{self._tag}{day}", *self._new_key())]
        ((name, kept),) = await self._run(packed, UNKNOWN_TTL_S)
        return PersonKey(name, self._privacy.unwrap(kept))

    async def find(self, names: Sequence[str]) -> dict[str, bytes]:
        if not names:
            return {}
        keys = [scripts.KEY_PREFIX + self._tag + name for name in names]
        async with redis_call(self._deadline_s):
            kept = cast(list[bytes | None], await self._redis.mget(keys))
        found = zip(names, kept, strict=True)
        return {name: self._privacy.unwrap(key.decode()) for name, key in found if key is not None}

    def _letters_key(self, user_id: str) -> str:
        return f"{scripts.USER_PREFIX}{self._tag}{user_id}:{scripts.LETTERS_SUFFIX}"

    def _new_key(self) -> tuple[str, str]:
        return secrets.token_hex(16), self._privacy.wrap(os.urandom(KEY_BYTES))

    async def _run(self, packed: Sequence[tuple[str | int, ...]], ttl_s: int) -> list[tuple[str, str]]:
        bounds = [self._privacy.secret_name, ttl_s]
        async with redis_call(self._deadline_s):
            answers = await self._have(keys=self._tagged, args=[msgspec.msgpack.encode(packed), *bounds])
        return [(name.decode(), kept.decode()) for name, kept in cast(list[tuple[bytes, bytes]], answers)]


class InMemoryPersonKeys:
    """The double of `RedisPersonKeys` within one process."""

    def __init__(self, forgotten: dict[str, int]) -> None:
        """Args: forgotten: until when who is forgotten, Unix milliseconds; the profile store's."""
        self._forgotten = forgotten
        self._names: dict[str, tuple[str, int]] = {}
        self._keys: dict[str, bytes] = {}

    async def keys_of(self, persons: Sequence[tuple[str, int]]) -> list[PersonKey | None]:
        return [
            self._key(user_id, time_ms) if time_ms > self._forgotten.get(user_id, -1) else None
            for user_id, time_ms in persons
        ]

    async def key_of_unknown(self) -> PersonKey:
        return self._key("", 0)

    async def find(self, names: Sequence[str]) -> dict[str, bytes]:
        return {name: self._keys[name] for name in names if name in self._keys}

    def destroy(self, user_id: str, time_ms: int) -> None:
        """What the profile store does with the key of a user who is forgotten."""
        name, since_ms = self._names.get(user_id, ("", 0))
        if name and since_ms <= time_ms:
            del self._names[user_id], self._keys[name]

    def _key(self, user_id: str, time_ms: int) -> PersonKey:
        name, since_ms = self._names.get(user_id) or (secrets.token_hex(16), time_ms)
        self._names[user_id] = name, min(since_ms, time_ms)
        return PersonKey(name, self._keys.setdefault(name, os.urandom(KEY_BYTES)))
