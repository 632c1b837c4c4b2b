"""The double of `RedisProfileStore` within one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from indexer.persons import (
    MAX_ANONYMOUS_IDS,
    MAX_OWNERS,
    NOBODY,
    Change,
    Link,
    Person,
    with_change,
    with_link,
)
from indexer.ports.profiles import History, Identification, Interaction, LearningChange, TraitChange
from indexer.redis.shoppers.histories import PackedHistory, merged, pack_member
from indexer.redis.shoppers.person_keys import InMemoryPersonKeys
from indexer.redis.shoppers.popularity import popularity_weight, purchases_now
from indexer.redis.shoppers.profiles import HISTORY_LENGTH, MAX_TRAITS

_TraitStamp = tuple[int, str, str, str]
"""Time, source, event id, trait's name."""


class InMemoryProfileStore:
    """`ProfileStore` in dictionaries."""

    def __init__(self, history_length: int = HISTORY_LENGTH, max_traits: int = MAX_TRAITS) -> None:
        """Args: history_length, max_traits: as `RedisProfileStore` has them."""
        self._history_length = history_length
        self._max_traits = max_traits
        self._history: dict[str, dict[bytes, Interaction]] = {}
        self._traits: dict[str, dict[str, tuple[_TraitStamp, str | None]]] = {}
        self._persons: dict[str, Person] = {}
        self._forgotten: dict[str, int] = {}
        self.person_keys = InMemoryPersonKeys(self._forgotten)
        self._popular: dict[str, float] = {}

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> list[bool]:
        counts = [not self.refuses(user_id, interaction.time_ms) for user_id, interaction in interactions]
        for (user_id, interaction), is_counted in zip(interactions, counts, strict=True):
            if is_counted:
                # What histories do not keep.
                kept = msgspec.structs.replace(interaction, session_id="", query_id="", position=None)
                self._record(self._history.setdefault(user_id, {}), pack_member(interaction), kept)
        return counts

    async def set_traits(self, changes: Sequence[tuple[str, TraitChange]]) -> None:
        for user_id, change in changes:
            if change.time_ms <= self._forgotten.get(user_id, -1):
                continue
            kept = self._traits.setdefault(user_id, {})
            for name, value in change.values.items():
                stamp = (change.time_ms, change.source, change.event_id, name)
                if name not in kept or stamp > kept[name][0]:
                    kept[name] = (stamp, value)
            for name in sorted(kept, key=lambda name: kept[name][0], reverse=True)[self._max_traits :]:
                del kept[name]

    async def set_learning(self, changes: Sequence[tuple[str, LearningChange]]) -> None:
        for user_id, change in changes:
            person = self._of(user_id)
            learning = with_change(person.learning, Change(change.time_ms, int(change.is_allowed)))
            self._persons[user_id] = msgspec.structs.replace(person, learning=learning)
            for known_id in (user_id, *person.anonymous_ids):
                self._scrub(known_id)

    async def identify(self, identified: Sequence[tuple[str, Identification]]) -> None:
        for user_id, identification in identified:
            if user_id != identification.anonymous_id:
                self._join(user_id, identification.anonymous_id, identification.time_ms)

    async def forget(self, forgotten: Sequence[tuple[str, int]]) -> None:
        for user_id, time_ms in forgotten:
            for known_id in (user_id, *self._of(user_id).anonymous_ids):
                self._forget(known_id, time_ms)

    async def histories(self, user_ids: Sequence[str]) -> list[History]:
        return [self._history_of(user_id) for user_id in user_ids]

    async def interactions_of(self, user_id: str) -> list[Interaction]:
        return self._packed(user_id).interactions()

    async def person(self, user_id: str) -> Person:
        return self._of(user_id)

    async def traits(self, user_id: str) -> dict[str, str]:
        ids = (user_id, *self._of(user_id).anonymous_ids)
        said = [(name, *kept) for known_id in ids for name, kept in self._traits.get(known_id, {}).items()]
        latest = {name: value for name, _, value in sorted(said, key=lambda trait: trait[1])}
        return {name: value for name, value in latest.items() if value is not None}

    async def latest_ms(self, user_id: str) -> int | None:
        times = [interaction.time_ms for interaction in self._history.get(user_id, {}).values()]
        times += [stamp[0] for stamp, _ in self._traits.get(user_id, {}).values()]
        return max(times + self._of(user_id).times_ms, default=None)

    async def popular(self, limit: int) -> list[str]:
        return sorted(self._popular, key=lambda product_id: -self._popular[product_id])[:limit]

    async def popularity(self, product_ids: Sequence[str], now_ms: int) -> list[float]:
        return purchases_now(map(self._popular.get, product_ids), now_ms)

    async def forgotten_ms(self, user_ids: Sequence[str]) -> dict[str, int]:
        return {user_id: self._forgotten[user_id] for user_id in user_ids if user_id in self._forgotten}

    def _of(self, user_id: str) -> Person:
        return self._persons.get(user_id, NOBODY)

    def _history_of(self, user_id: str) -> History:
        person = self._of(user_id)
        related = {link.user_id for link in person.owners + person.anonymous}
        others = {related_id: (self._of(related_id), self._packed(related_id)) for related_id in related}
        return merged(user_id, person, self._packed(user_id), others, self._history_length)

    def _packed(self, user_id: str) -> PackedHistory:
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

    def refuses(self, user_id: str, time_ms: int) -> bool:
        """Whether what somebody did then is not kept: they are forgotten, or may not be learnt from."""
        person = self._of(user_id)
        persons = [person, *(self._of(owner.user_id) for owner in person.owners)]
        is_allowed = all(concerned.is_learnt_from(time_ms) for concerned in persons)
        return time_ms <= self._forgotten.get(user_id, -1) or not is_allowed

    def _scrub(self, user_id: str) -> None:
        history = self._history.get(user_id, {})
        self._history[user_id] = {
            member: known for member, known in history.items() if not self.refuses(user_id, known.time_ms)
        }

    def _join(self, user_id: str, anonymous_id: str, time_ms: int) -> None:
        until_ms = self._forgotten.get(user_id, -1)
        if user_id in self._forgotten:
            self._forget(anonymous_id, until_ms)
        if time_ms <= max(until_ms, self._forgotten.get(anonymous_id, -1)):
            return
        user, visitor = self._of(user_id), self._of(anonymous_id)
        anonymous = with_link(user.anonymous, Link(anonymous_id, "", time_ms))
        owners = with_link(visitor.owners, Link(user_id, "", time_ms))
        self._persons[user_id] = msgspec.structs.replace(user, anonymous=anonymous)
        self._persons[anonymous_id] = msgspec.structs.replace(visitor, owners=owners)
        self._scrub(anonymous_id)
        if len(anonymous) > MAX_ANONYMOUS_IDS:
            self._forget(anonymous[0].user_id, anonymous[0].time_ms)
        if len(owners) > MAX_OWNERS:
            self._forget(anonymous_id, owners[0].time_ms)

    def _forget(self, user_id: str, time_ms: int) -> None:
        self._forgotten[user_id] = max(time_ms, self._forgotten.get(user_id, time_ms))
        self.person_keys.destroy(user_id, time_ms)
        history, traits = self._history.get(user_id, {}), self._traits.get(user_id, {})
        self._history[user_id] = {key: known for key, known in history.items() if known.time_ms > time_ms}
        self._traits[user_id] = {name: kept for name, kept in traits.items() if kept[0][0] > time_ms}
        person = self._of(user_id)
        for owner in person.owners:
            self._part(owner.user_id, user_id, owner.time_ms, time_ms)
        for visitor in person.anonymous:
            self._part(user_id, visitor.user_id, visitor.time_ms, time_ms)

    def _part(self, user_id: str, anonymous_id: str, joined_ms: int, time_ms: int) -> None:
        """Undo an identification, if it was until then."""
        if joined_ms <= time_ms:
            user, visitor = self._of(user_id), self._of(anonymous_id)
            anonymous = tuple(link for link in user.anonymous if link.user_id != anonymous_id)
            owners = tuple(link for link in visitor.owners if link.user_id != user_id)
            self._persons[user_id] = msgspec.structs.replace(user, anonymous=anonymous)
            self._persons[anonymous_id] = msgspec.structs.replace(visitor, owners=owners)


def _by_time(history: Mapping[bytes, Interaction]) -> Callable[[bytes], tuple[int, bytes]]:
    """A key that puts the members of a history in the order in which Redis has them."""
    return lambda member: (history[member].time_ms, member)
