"""`RedisBehaviourStore`: sessions as sorted sets by time, so that the latest of repeated events wins by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import msgspec
from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from indexer.persons import Period
from indexer.ports.behaviour import KIND_LETTERS, Session, Sightings, Step, at_pace
from indexer.ports.profiles import Interaction
from indexer.privacy import PrivacyConfig
from indexer.redis.behaviour import scripts
from indexer.redis.behaviour.refs import OWNER_LENGTH, is_day, owner_of, ref_of, session_ref
from indexer.redis.behaviour.visits import between_pauses, visits_of
from indexer.redis.client import redis_call
from indexer.redis.pipelining import ask_together, chunks
from indexer.redis.sharding import Parts
from indexer.redis.shoppers.profiles import HORIZON_S, translated_data_errors

Item = TypeVar("Item", bound=tuple[Any, ...])
EVENTS_A_CALL = 500
"""What one script takes at most, so that nobody waits long for Redis."""
READS_A_CALL = 300
"""How many sessions or products are read in one round trip: all that a recommendation looks at."""


@dataclass(frozen=True, slots=True)
class BehaviourBounds:
    """How much is kept."""

    sessions_a_user: int = 100
    steps_a_session: int = 100
    sessions_a_product: int = 500


DEFAULT_BOUNDS = BehaviourBounds()
_DEFAULT_PRIVACY = PrivacyConfig()


class RedisBehaviourStore:
    """`BehaviourStore` over Redis; an atomic script for a batch's sessions, another for their products."""

    def __init__(
        self,
        redis: Redis,
        deadline_s: float = 0.5,
        horizon_s: float = HORIZON_S,
        privacy: PrivacyConfig = _DEFAULT_PRIVACY,
        bounds: BehaviourBounds = DEFAULT_BOUNDS,
    ) -> None:
        """Bind to a server.

        Args:
            redis: the connection.
            deadline_s: the longest that one call may take.
            horizon_s: how old an event may be that still comes.
            privacy: how users are named and forgotten; the same for all processes.
            bounds: how much is kept; the same for all that write.
        """
        self._redis = redis
        self._parts = Parts(redis)
        self._deadline_s = deadline_s
        self._privacy = privacy
        self._remember_s = privacy.remembered_s(horizon_s)
        self._bounds = bounds
        self._keep = redis.register_script(scripts.KEEP)
        self._forget = redis.register_script(scripts.FORGET)
        self._erase = redis.register_script(scripts.ERASE)
        self._sight = redis.register_script(scripts.SIGHT)

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> None:
        bounds = self._bounds
        for part in chunks(interactions, EVENTS_A_CALL):
            packed = [
                self._packed(user_id, interaction) for user_id, interaction in part if interaction.kind in KIND_LETTERS
            ]
            kept = [bounds.sessions_a_user, bounds.steps_a_session, self._privacy.kept_s]
            await self._write(self._keep, packed, lambda event: event[1][:OWNER_LENGTH], kept)

    async def forget(self, forgotten: Sequence[tuple[str, int]]) -> None:
        for part in chunks(forgotten, EVENTS_A_CALL):
            hashes = [(self._privacy.hash_of(user_id), time_ms) for user_id, time_ms in part]
            packed = [(user_hash, owner_of(user_hash), time_ms) for user_hash, time_ms in hashes]
            await self._write(self._forget, packed, lambda one: one[1], [self._remember_s])

    async def erase(self, periods: Sequence[tuple[str, Period]]) -> None:
        for part in chunks(periods, EVENTS_A_CALL):
            packed = [(owner_of(self._privacy.hash_of(user_id)), *period) for user_id, period in part]
            await self._write(self._erase, packed, lambda period: period[0], [])

    async def sessions_of(self, user_id: str, limit: int) -> list[Session]:
        owner = owner_of(self._privacy.hash_of(user_id))
        last = min(limit, self._bounds.sessions_a_user) - 1  # The list has one more.
        (newest,) = await self._ask([("ZREVRANGE", self._list_key(owner), 0, last)])
        refs = [ref.decode() for ref in newest]
        rows = await self._ask([("ZRANGE", self._row_key(ref), 0, -1, "WITHSCORES") for ref in refs])
        found = [one for ref, row in zip(refs, rows, strict=True) for one in visits_of(Session(ref, _steps(row)))]
        return sorted(found, key=lambda one: -one.steps[-1].time_ms)

    async def session(self, user_id: str, session_id: str) -> Session:
        ref = session_ref(owner_of(self._privacy.hash_of(user_id)), session_id)
        (row,) = await self._ask([("ZRANGE", self._row_key(ref), 0, -1, "WITHSCORES")])
        return Session(ref, _steps(row))

    async def sightings(self, product_ids: Sequence[str], limit: int) -> list[Sightings]:
        keys = map(self._sightings_key, product_ids)
        found = await self._ask([("ZREVRANGE", key, 0, limit - 1, "WITHSCORES") for key in keys])
        return [_sightings(row) for row in found]

    async def usual(self, product_ids: Sequence[str], since_ms: int, now_ms: int) -> list[float]:
        keys = [*map(self._sightings_key, product_ids)]
        counts = cast(list[float], await self._ask([("ZCOUNT", key, since_ms, now_ms) for key in keys]))
        full = [at for at, count in enumerate(counts) if count >= self._bounds.sessions_a_product]
        oldest = await self._ask([("ZRANGE", keys[at], 0, 0, "WITHSCORES") for at in full])
        for at, row in zip(full, oldest, strict=True):
            counts[at] = at_pace(int(counts[at]), _sightings(row).times_ms[0], since_ms, now_ms)
        return counts

    async def steps(self, refs: Sequence[str]) -> list[Sequence[Sequence[bytes]]]:
        times = [("WITHSCORES",) if is_day(ref) else () for ref in refs]
        rows = await self._ask(
            [("ZRANGE", self._row_key(ref), 0, -1, *one) for ref, one in zip(refs, times, strict=True)]
        )
        return [_visits(row) if timed else [row] if row else [] for row, timed in zip(rows, times, strict=True)]

    async def _ask(self, commands: Sequence[tuple[str | int, ...]]) -> list[Any]:
        answers: list[Any] = []
        for part in chunks(commands, READS_A_CALL):
            async with redis_call(self._deadline_s):
                answers += await ask_together(self._redis, part)
        return answers

    def _packed(self, user_id: str, interaction: Interaction) -> tuple[str, str, int, str]:
        """An interaction as the script takes it."""
        user_hash = self._privacy.hash_of(user_id)
        member = KIND_LETTERS[interaction.kind] + interaction.product_id
        return user_hash, ref_of(owner_of(user_hash), interaction), interaction.time_ms, member

    async def _write(
        self, script: AsyncScript, packed: Sequence[Item], owner_of: Callable[[Item], str], bounds: list[int]
    ) -> None:
        """Change sessions, then what their products know of them; repeated, both come to the same."""
        if not packed:
            return
        parts, sighted = self._parts, [self._bounds.sessions_a_product, self._privacy.kept_s]
        divided = parts.divide(packed, owner_of).items()
        async with redis_call(self._deadline_s), translated_data_errors():
            calls = [(tag, [msgspec.msgpack.encode(part), *bounds]) for tag, part in divided]
            told = _by_product(parts, await parts.run(script, scripts.SESSIONS_PREFIX, calls))
            calls = [(tag, [part, *sighted]) for tag, part in told]
            await parts.run(self._sight, scripts.SIGHTINGS_PREFIX, calls)

    def _sightings_key(self, product_id: str) -> str:
        return f"{scripts.SIGHTINGS_PREFIX}{self._parts.tag_of(product_id)}{{{product_id}}}:sessions"

    def _list_key(self, owner: str) -> str:
        return f"{scripts.SESSIONS_PREFIX}{self._parts.tag_of(owner)}{{{owner}}}"

    def _row_key(self, ref: str) -> str:
        owner = ref[:OWNER_LENGTH]
        return f"{scripts.SESSION_PREFIX}{self._parts.tag_of(owner)}{{{owner}}}:{ref[OWNER_LENGTH:]}"


def _by_product(parts: Parts, told: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """What scripts tell of products, by the tag of these."""
    if len(parts.tags) == 1:
        return [("", one) for one in told]
    sightings = [sighting for one in told for sighting in _told.decode(one)]
    return [(tag, msgspec.msgpack.encode(part)) for tag, part in parts.divide(sightings, lambda one: one[0]).items()]


def _paired(stored: Sequence[Any]) -> Sequence[tuple[bytes, bytes | float]]:
    """Members and scores, as either version of the protocol tells them."""
    is_paired = bool(stored) and isinstance(stored[0], list)
    return stored if is_paired else list(zip(stored[::2], stored[1::2], strict=True))


def _sightings(stored: Sequence[Any]) -> Sightings:
    if not stored:
        return Sightings()
    refs, times_ms = zip(*_paired(stored), strict=True)
    return Sightings(list(refs), list(times_ms if isinstance(times_ms[0], float) else map(float, times_ms)))


def _visits(stored: Sequence[Any]) -> Sequence[Sequence[bytes]]:
    pairs = _paired(stored)
    return [[step for step, _ in pairs[part]] for part in between_pauses([float(time_ms) for _, time_ms in pairs])]


def _steps(stored: Sequence[Any]) -> list[Step]:
    texts = [(member.decode(), int(float(time_ms))) for member, time_ms in _paired(stored)]
    return [Step(text[0], text[1:], time_ms) for text, time_ms in texts]


_told = msgspec.msgpack.Decoder(list[tuple[str, str, float]])
