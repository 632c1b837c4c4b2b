"""What shoppers did and are like: `RedisProfileStore` and its in-memory double.

An event is known by its source and id. That it counts once is exact as long as its user's profile lives: repeated or
late, it is either still in the history, or older than all that is, and then ignored.
"""

# redis' sorted sets are not wholly typed.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import ResponseError

from indexer.errors import InvalidRecord
from indexer.ports.profiles import History, Interaction, TraitChange
from indexer.privacy import PrivacyConfig
from indexer.redis import profile_scripts as scripts
from indexer.redis.client import redis_call
from indexer.redis.histories import PackedHistory, pack_member
from indexer.redis.person_keys import InMemoryPersonKeys
from indexer.redis.pipelining import ask_together, chunks
from indexer.redis.popularity import HALF_LIFE_S, KIND_WEIGHTS, POPULARITY_EPOCH_S, popularity_weight

HISTORY_LENGTH = 200
"""How many interactions of a user are kept, the latest ones."""
MAX_TRAITS = 128
"""How many traits of a user are kept, cleared ones included, the latest ones."""
USER_TTL_S = 180 * 86_400
HORIZON_S = 30 * 86_400.0
"""How old an event may be that still comes; for so long at least a forgotten user's earlier events are ignored."""
CLOCK_SKEW_S = 3_600
"""And a little longer, as the time of forgetting may be ahead of the clock."""
POPULAR_KEPT = 10_000
"""How many products take part in popularity."""
EVENTS_A_CALL, TRAIT_CHANGES_A_CALL = 1_000, 16
"""What one script takes at most, so that nobody waits long for Redis; a change has up to 64 traits."""
HISTORIES_A_CALL = 64
"""How many are read at once: full ones hold Redis and an event loop for some 2 ms."""


_DEFAULT_PRIVACY = PrivacyConfig()


class RedisProfileStore:
    """`ProfileStore` over Redis sorted sets and hashes; one atomic script a batch.

    A history is one key, so that a Redis that makes room evicts it as a whole.
    """

    def __init__(
        self,
        redis: Redis,
        deadline_s: float = 0.5,
        horizon_s: float = HORIZON_S,
        history_length: int = HISTORY_LENGTH,
        max_traits: int = MAX_TRAITS,
        privacy: PrivacyConfig = _DEFAULT_PRIVACY,
    ) -> None:
        """Bind to a server.

        Args:
            redis: the connection.
            deadline_s: the longest that one call may take.
            horizon_s: how old an event may be that still comes.
            history_length: interactions kept of a user.
            max_traits: traits kept of a user.
            privacy: how forgotten users are remembered; the same for all processes.
        """
        self._redis = redis
        self._deadline_s = deadline_s
        self._history_length = history_length
        self._max_traits = max_traits
        self._privacy = privacy
        self._remember_s = int(max(horizon_s, privacy.forgotten_days * 86_400)) + CLOCK_SKEW_S
        self._record = redis.register_script(scripts.RECORD)
        self._set_traits = redis.register_script(scripts.SET_TRAITS)
        self._forget = redis.register_script(scripts.FORGET)

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> None:
        bounds = [self._history_length, USER_TTL_S, POPULAR_KEPT, POPULARITY_EPOCH_S, HALF_LIFE_S]
        for part in chunks(interactions, EVENTS_A_CALL):
            packed = [self._packed_interaction(user_id, interaction) for user_id, interaction in part]
            await self._write(self._record, [_POPULAR_KEY], packed, bounds)

    async def set_traits(self, changes: Sequence[tuple[str, TraitChange]]) -> None:
        for part in chunks(changes, TRAIT_CHANGES_A_CALL):
            packed = [self._packed_traits(user_id, change) for user_id, change in part]
            await self._write(self._set_traits, [], packed, [self._max_traits, USER_TTL_S])

    async def forget(self, forgotten: Sequence[tuple[str, int]]) -> None:
        for part in chunks(forgotten, EVENTS_A_CALL):
            packed = [(user_id, self._privacy.hash_of(user_id), time_ms) for user_id, time_ms in part]
            await self._write(self._forget, [], packed, [self._remember_s])

    async def histories(self, user_ids: Sequence[str]) -> list[History]:
        found: list[History] = []
        for part in chunks(user_ids, HISTORIES_A_CALL):
            newest = [("ZREVRANGE", _history_key(one), 0, self._history_length - 1, "WITHSCORES") for one in part]
            async with redis_call(self._deadline_s):
                found += map(PackedHistory, await ask_together(self._redis, newest))
        return found

    async def traits(self, user_id: str) -> dict[str, str]:
        async with redis_call(self._deadline_s):
            stored = await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(_traits_key(user_id)))
        values = {name.decode(): _traits.decode(trait)[3] for name, trait in stored.items()}
        return {name: value for name, value in values.items() if value is not None}

    async def latest_ms(self, user_id: str) -> int | None:
        async with redis_call(self._deadline_s), self._redis.pipeline(transaction=False) as pipe:
            pipe.zrevrange(_history_key(user_id), 0, 0, withscores=True)
            pipe.hvals(_traits_key(user_id))
            newest, stored = cast(tuple[list[tuple[bytes, float]], list[bytes]], await pipe.execute())
        times = [score for _, score in newest] + [_traits.decode(trait)[0] for trait in stored]
        return int(max(times)) if times else None

    async def popular(self, limit: int) -> list[str]:
        async with redis_call(self._deadline_s):
            product_ids = cast(list[bytes], await self._redis.zrevrange(_POPULAR_KEY, 0, limit - 1))
        return [product_id.decode() for product_id in product_ids]

    async def forgotten_ms(self, user_ids: Sequence[str]) -> dict[str, int]:
        if not user_ids:
            return {}
        names = [scripts.FORGOTTEN_PREFIX + self._privacy.hash_of(user_id) for user_id in user_ids]
        async with redis_call(self._deadline_s):
            kept = cast(list[bytes | None], await self._redis.mget(names))
        return {user_id: int(time_ms) for user_id, time_ms in zip(user_ids, kept, strict=True) if time_ms is not None}

    def _packed_interaction(self, user_id: str, interaction: Interaction) -> tuple[str, str, int, str, str, float]:
        """An interaction as the script takes it."""
        weight = KIND_WEIGHTS.get(interaction.kind, 0.0)
        member = pack_member(interaction).decode()
        return user_id, self._privacy.hash_of(user_id), interaction.time_ms, member, interaction.product_id, weight

    def _packed_traits(self, user_id: str, change: TraitChange) -> tuple[str, str, int, str, str, list[str]]:
        """A change of traits as the script takes it: the traits as name, JSON, name, JSON, …"""
        stamp = (change.time_ms, change.source, change.event_id)
        stored = {name: msgspec.json.encode((*stamp, value)).decode() for name, value in change.values.items()}
        return user_id, self._privacy.hash_of(user_id), *stamp, [part for pair in stored.items() for part in pair]

    async def _write(self, script: AsyncScript, keys: list[str], packed: Sequence[Any], bounds: list[int]) -> None:
        async with redis_call(self._deadline_s), translated_data_errors():
            await script(keys=keys, args=[msgspec.msgpack.encode(packed), *bounds])


class InMemoryProfileStore:
    """The double of `RedisProfileStore` within one process."""

    def __init__(self, history_length: int = HISTORY_LENGTH, max_traits: int = MAX_TRAITS) -> None:
        """Args: history_length, max_traits: as `RedisProfileStore` has them."""
        self._history_length = history_length
        self._max_traits = max_traits
        self._history: dict[str, dict[bytes, Interaction]] = {}
        self._traits: dict[str, dict[str, tuple[_TraitStamp, str | None]]] = {}
        self.forgotten: dict[str, int] = {}
        """Until when who is forgotten, Unix milliseconds."""
        self.person_keys = InMemoryPersonKeys(self.forgotten)
        self._popular: dict[str, float] = {}

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> None:
        for user_id, interaction in interactions:
            if not self._is_forgotten(user_id, interaction.time_ms):
                self._record(self._history.setdefault(user_id, {}), pack_member(interaction), interaction)

    async def set_traits(self, changes: Sequence[tuple[str, TraitChange]]) -> None:
        for user_id, change in changes:
            if self._is_forgotten(user_id, change.time_ms):
                continue
            kept = self._traits.setdefault(user_id, {})
            for name, value in change.values.items():
                stamp = (change.time_ms, change.source, change.event_id, name)
                if name not in kept or stamp > kept[name][0]:
                    kept[name] = (stamp, value)
            for name in sorted(kept, key=lambda name: kept[name][0], reverse=True)[self._max_traits :]:
                del kept[name]

    async def forget(self, forgotten: Sequence[tuple[str, int]]) -> None:
        for user_id, time_ms in forgotten:
            self.forgotten[user_id] = max(time_ms, self.forgotten.get(user_id, time_ms))
            self.person_keys.destroy(user_id, time_ms)
            history, traits = self._history.get(user_id, {}), self._traits.get(user_id, {})
            self._history[user_id] = {key: known for key, known in history.items() if known.time_ms > time_ms}
            self._traits[user_id] = {name: kept for name, kept in traits.items() if kept[0][0] > time_ms}

    async def histories(self, user_ids: Sequence[str]) -> list[History]:
        return [self._history_of(user_id) for user_id in user_ids]

    async def traits(self, user_id: str) -> dict[str, str]:
        return {name: value for name, (_, value) in self._traits.get(user_id, {}).items() if value is not None}

    async def latest_ms(self, user_id: str) -> int | None:
        times = [interaction.time_ms for interaction in self._history.get(user_id, {}).values()]
        return max(times + [stamp[0] for stamp, _ in self._traits.get(user_id, {}).values()], default=None)

    async def popular(self, limit: int) -> list[str]:
        return sorted(self._popular, key=lambda product_id: -self._popular[product_id])[:limit]

    async def forgotten_ms(self, user_ids: Sequence[str]) -> dict[str, int]:
        return {user_id: self.forgotten[user_id] for user_id in user_ids if user_id in self.forgotten}

    def _history_of(self, user_id: str) -> History:
        history = self._history.get(user_id, {})
        newest = sorted(history, key=_by_time(history), reverse=True)
        return PackedHistory([[member, float(history[member].time_ms)] for member in newest])

    def _record(self, history: dict[bytes, Interaction], member: bytes, interaction: Interaction) -> None:
        known = history.get(member)
        if known and known.time_ms >= interaction.time_ms:
            return
        history[member] = interaction
        if len(history) > self._history_length:
            oldest = min(history, key=_by_time(history))
            del history[oldest]
            if oldest == member:
                return
        gain = popularity_weight(interaction) - (popularity_weight(known) if known else 0.0)
        self._popular[interaction.product_id] = self._popular.get(interaction.product_id, 0.0) + gain

    def _is_forgotten(self, user_id: str, time_ms: int) -> bool:
        return user_id in self.forgotten and time_ms <= self.forgotten[user_id]


_POPULAR_KEY = "vitrine:popularity"
_UNSTORABLE = ("WRONGTYPE", "Bad data format", "not a valid float", "not a number", "attempt to")
"""What Redis says of one record, not of its own state."""
_TraitStamp = tuple[int, str, str, str]
"""Time, source, event id, trait's name."""


@asynccontextmanager
async def translated_data_errors() -> AsyncGenerator[None]:
    """Tell what Redis will never take from what it does not take just now."""
    try:
        yield
    except ResponseError as error:
        if any(sign in str(error) for sign in _UNSTORABLE):
            raise InvalidRecord(f"Redis cannot store it: {str(error)[:300]}") from error
        raise


def _history_key(user_id: str) -> str:
    return f"{scripts.USER_PREFIX}{user_id}:{scripts.HISTORY_SUFFIX}"


def _traits_key(user_id: str) -> str:
    return f"{scripts.USER_PREFIX}{user_id}:{scripts.TRAITS_SUFFIX}"


def _by_time(history: Mapping[bytes, Interaction]) -> Callable[[bytes], tuple[int, bytes]]:
    """A key that puts the members of a history in the order in which Redis has them."""
    return lambda member: (history[member].time_ms, member)


_traits = msgspec.json.Decoder(tuple[int, str, str, str | None])
