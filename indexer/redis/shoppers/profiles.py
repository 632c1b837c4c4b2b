"""What shoppers did and are like: `RedisProfileStore`; its double is in `indexer.redis.shoppers.in_memory_profiles`.

An event is known by its source and id. That it counts once is exact as long as its user's profile lives: repeated or
late, it is either still in the history, or older than all that is, and then ignored.
"""

# redis' sorted sets are not wholly typed.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import ResponseError

from indexer.errors import InvalidRecord
from indexer.persons import NOBODY, Change, Link, Person
from indexer.ports.profiles import History, Identification, Interaction, LearningChange, TraitChange
from indexer.privacy import PrivacyConfig
from indexer.redis.client import redis_call
from indexer.redis.pipelining import ask_together, chunks
from indexer.redis.sharding import people_tag, tag_keys
from indexer.redis.shoppers import person_scripts, profile_scripts
from indexer.redis.shoppers.histories import PackedHistory, merged, pack_member
from indexer.redis.shoppers.popularity import HALF_LIFE_S, KIND_WEIGHTS, POPULARITY_EPOCH_S, purchases_now

HISTORY_LENGTH = 200
"""How many interactions of a user are kept, the latest ones."""
MAX_TRAITS = 128
"""How many traits of a user are kept, cleared ones included, the latest ones."""
HORIZON_S = 30 * 86_400.0
"""How old an event may be that still comes; for so long at least a forgotten user's earlier events are ignored."""
POPULAR_KEPT = 10_000
"""How many products take part in popularity."""
EVENTS_A_CALL, TRAIT_CHANGES_A_CALL, PERSONS_A_CALL = 1_000, 16, 64
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
        self._tag = people_tag(redis)
        self._users = person_scripts.USER_PREFIX + self._tag
        self._tagged = tag_keys(person_scripts.USER_PREFIX, self._tag)
        self._popular = f"vitrine:{self._tag}popularity"
        self._deadline_s = deadline_s
        self._history_length = history_length
        self._max_traits = max_traits
        self._privacy = privacy
        self._remember_s = privacy.remembered_s(horizon_s)
        self._record = redis.register_script(profile_scripts.RECORD)
        self._set_traits = redis.register_script(profile_scripts.SET_TRAITS)
        self._set_learning = redis.register_script(person_scripts.SET_LEARNING)
        self._identify = redis.register_script(person_scripts.IDENTIFY)
        self._forget = redis.register_script(person_scripts.FORGET)

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> list[bool]:
        bounds = [self._history_length, self._privacy.kept_s, POPULAR_KEPT, POPULARITY_EPOCH_S, HALF_LIFE_S]
        counts: list[int] = []
        for part in chunks(interactions, EVENTS_A_CALL):
            packed = [self._packed_interaction(user_id, interaction) for user_id, interaction in part]
            counts += await self._write(self._record, [self._popular, *self._tagged], packed, bounds)
        return list(map(bool, counts))

    async def set_traits(self, changes: Sequence[tuple[str, TraitChange]]) -> None:
        for part in chunks(changes, TRAIT_CHANGES_A_CALL):
            packed = [self._packed_traits(user_id, change) for user_id, change in part]
            await self._write(self._set_traits, self._tagged, packed, [self._max_traits, self._privacy.kept_s])

    async def set_learning(self, changes: Sequence[tuple[str, LearningChange]]) -> None:
        for part in chunks(changes, PERSONS_A_CALL):
            packed = [(*self._named(user_id), change.time_ms, int(change.is_allowed)) for user_id, change in part]
            await self._write(self._set_learning, self._tagged, packed, [self._remember_s])

    async def identify(self, identified: Sequence[tuple[str, Identification]]) -> None:
        for part in chunks(identified, PERSONS_A_CALL):
            packed = [
                (*self._named(user_id), *self._named(identification.anonymous_id), identification.time_ms)
                for user_id, identification in part
            ]
            await self._write(self._identify, self._tagged, packed, [self._remember_s, self._privacy.kept_s])

    async def forget(self, forgotten: Sequence[tuple[str, int]]) -> None:
        for part in chunks(forgotten, PERSONS_A_CALL):
            packed = [(*self._named(user_id), time_ms) for user_id, time_ms in part]
            await self._write(self._forget, self._tagged, packed, [self._remember_s, self._privacy.kept_s])

    async def histories(self, user_ids: Sequence[str]) -> list[History]:
        found: list[History] = []
        for part in chunks(user_ids, HISTORIES_A_CALL):
            known = await self._read(part)
            if all(person is NOBODY for person, _ in known):
                # As of most people: each has one id, and never said what may be learnt.
                found += [history for _, history in known]
                continue
            others = await self._related(person for person, _ in known)
            found += [
                merged(user_id, person, history, others, self._history_length)
                for user_id, (person, history) in zip(part, known, strict=True)
            ]
        return found

    async def interactions_of(self, user_id: str) -> list[Interaction]:
        ((_, history),) = await self._read([user_id])
        return history.interactions()

    async def person(self, user_id: str) -> Person:
        async with redis_call(self._deadline_s):
            (kept,) = await ask_together(self._redis, [("MGET", *self._person_keys(user_id))])
        return _person(*kept)

    async def traits(self, user_id: str) -> dict[str, str]:
        person = await self.person(user_id)
        async with redis_call(self._deadline_s), self._redis.pipeline(transaction=False) as pipe:
            for known_id in (user_id, *person.anonymous_ids):
                pipe.hgetall(self._traits_key(known_id))
            found = cast(list[dict[bytes, bytes]], await pipe.execute())
        stamped = [(name, _traits.decode(trait)) for stored in found for name, trait in stored.items()]
        latest = {name: value for name, (*_, value) in sorted(stamped, key=lambda trait: trait[1][:3])}
        return {name.decode(): value for name, value in latest.items() if value is not None}

    async def latest_ms(self, user_id: str) -> int | None:
        async with redis_call(self._deadline_s), self._redis.pipeline(transaction=False) as pipe:
            pipe.zrevrange(self._history_key(user_id), 0, 0, withscores=True)
            pipe.hvals(self._traits_key(user_id))
            for key in self._person_keys(user_id):
                pipe.get(key)
            newest, stored, *person = cast(_Latest, await pipe.execute())
        times = [score for _, score in newest] + [_traits.decode(trait)[0] for trait in stored]
        return int(max(times)) if (times := [*times, *_person(*person).times_ms]) else None

    async def popular(self, limit: int) -> list[str]:
        async with redis_call(self._deadline_s):
            (product_ids,) = await ask_together(self._redis, [("ZREVRANGE", self._popular, 0, limit - 1)])
        return [product_id.decode() for product_id in product_ids]

    async def popularity(self, product_ids: Sequence[str], now_ms: int) -> list[float]:
        if not product_ids:
            return []
        async with redis_call(self._deadline_s):
            (found,) = await ask_together(self._redis, [("ZMSCORE", self._popular, *product_ids)])
        return purchases_now((None if weight is None else float(weight) for weight in found), now_ms)

    async def forgotten_ms(self, user_ids: Sequence[str]) -> dict[str, int]:
        if not user_ids:
            return {}
        prefix = person_scripts.FORGOTTEN_PREFIX + self._tag
        names = [prefix + self._privacy.hash_of(user_id) for user_id in user_ids]
        async with redis_call(self._deadline_s):
            kept = cast(list[bytes | None], await self._redis.mget(names))
        return {user_id: int(time_ms) for user_id, time_ms in zip(user_ids, kept, strict=True) if time_ms is not None}

    def _packed_interaction(self, user_id: str, interaction: Interaction) -> tuple[str, str, int, str, str, float]:
        """An interaction as the script takes it."""
        member, weight = pack_member(interaction).decode(), KIND_WEIGHTS.get(interaction.kind, 0.0)
        user_hash = self._privacy.hash_of(user_id)
        return user_id, user_hash, interaction.time_ms, member, interaction.product_id, weight

    def _packed_traits(self, user_id: str, change: TraitChange) -> tuple[str, str, int, str, str, list[str]]:
        """A change of traits as the script takes it: the traits as name, JSON, name, JSON, …"""
        stamp = (change.time_ms, change.source, change.event_id)
        stored = {name: msgspec.json.encode((*stamp, value)).decode() for name, value in change.values.items()}
        return *self._named(user_id), *stamp, [part for pair in stored.items() for part in pair]

    def _named(self, user_id: str) -> tuple[str, str]:
        """An id and its hash, as scripts take them."""
        return user_id, self._privacy.hash_of(user_id)

    async def _read(self, user_ids: Sequence[str]) -> list[tuple[Person, PackedHistory]]:
        """Who these are, and what was done under their very ids; in one round trip."""
        newest = [
            ("ZREVRANGE", self._history_key(user_id), 0, self._history_length - 1, "WITHSCORES") for user_id in user_ids
        ]
        async with redis_call(self._deadline_s):
            persons = ("MGET", *chain.from_iterable(map(self._person_keys, user_ids)))
            kept, *stored = await ask_together(self._redis, [persons, *newest])
        if not any(kept):
            return [(NOBODY, PackedHistory(history)) for history in stored]
        return list(zip(map(_person, kept[::2], kept[1::2]), map(PackedHistory, stored), strict=True))

    def _person_keys(self, user_id: str) -> tuple[str, str]:
        """The keys of who somebody is, and of whether they may be learnt from."""
        links = f"{self._users}{user_id}:{person_scripts.PERSON_SUFFIX}"
        return links, person_scripts.LEARNING_PREFIX + self._tag + self._privacy.hash_of(user_id)

    def _history_key(self, user_id: str) -> str:
        return f"{self._users}{user_id}:{person_scripts.HISTORY_SUFFIX}"

    def _traits_key(self, user_id: str) -> str:
        return f"{self._users}{user_id}:{person_scripts.TRAITS_SUFFIX}"

    async def _related(self, persons: Iterable[Person]) -> dict[str, tuple[Person, PackedHistory]]:
        """The same of all ids that these are joined to, and that are joined to them; of most people there are none."""
        ids = list(dict.fromkeys(link.user_id for person in persons for link in person.owners + person.anonymous))
        parts = [zip(part, await self._read(part), strict=True) for part in chunks(ids, HISTORIES_A_CALL)]
        return dict(chain.from_iterable(parts))

    async def _write(self, script: AsyncScript, keys: list[str], packed: Sequence[Any], bounds: list[int]) -> Any:
        async with redis_call(self._deadline_s), translated_data_errors():
            return await script(keys=keys, args=[msgspec.msgpack.encode(packed), *bounds])


_UNSTORABLE = ("WRONGTYPE", "Bad data format", "not a valid float", "not a number", "attempt to")
"""What Redis says of one record, not of its own state."""


@asynccontextmanager
async def translated_data_errors() -> AsyncGenerator[None]:
    """Tell what Redis will never take from what it does not take just now."""
    try:
        yield
    except ResponseError as error:
        if any(sign in str(error) for sign in _UNSTORABLE):
            raise InvalidRecord(f"Redis cannot store it: {str(error)[:300]}") from error
        raise


def _person(links: bytes | None, learning: bytes | None) -> Person:
    if links is None and learning is None:
        return NOBODY
    owners, anonymous = ((), ()) if links is None else _links.decode(links)
    return Person(() if learning is None else _learning.decode(learning), owners, anonymous)


_links = msgspec.msgpack.Decoder(tuple[tuple[Link, ...], tuple[Link, ...]])
_learning = msgspec.msgpack.Decoder(tuple[Change, ...])
_Latest = tuple[list[tuple[bytes, float]], list[bytes], bytes | None, bytes | None]
_traits = msgspec.json.Decoder(tuple[int, str, str, str | None])
