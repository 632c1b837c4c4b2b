"""Every store that has something of a person: the one list that exports and erasures walk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from indexer.persons import Period
from indexer.ports.behaviour import KIND_LETTERS, BehaviourStore, Session
from indexer.ports.impressions import Impression, ImpressionStore
from indexer.ports.profiles import Interaction, ProfileStore
from indexer.shown_hits import unpack_shown

Forgotten = Sequence[tuple[str, int]]
"""Ids, and until when what was done under each is forgotten, Unix milliseconds."""
_SESSIONS = 10_000
_KINDS = {letter: kind for kind, letter in KIND_LETTERS.items()}


@dataclass(frozen=True, slots=True)
class PersonalStore:
    """What one store has of people."""

    name: str
    """As exports call it."""
    export: Callable[[str], Awaitable[list[dict[str, Any]]]]
    """What is stored under an id, as JSON can have it; under that very id, and whether or not it may be learnt from."""
    erase: Callable[[Forgotten], Awaitable[None]] | None = None
    """None: `ProfileStore.forget` erases it."""


class PersonalData:
    """All that is stored of people. Raises `StoreUnavailable` where a store does not answer."""

    def __init__(
        self, profiles: ProfileStore, behaviour: BehaviourStore, impressions: ImpressionStore | None = None
    ) -> None:
        """Args: impressions: None: none are kept."""
        self.profiles, self.behaviour, self.impressions = profiles, behaviour, impressions
        self.stores: tuple[PersonalStore, ...] = (
            PersonalStore("sessions", _Sessions(behaviour).export, behaviour.forget),
            *([PersonalStore("shown", _Shown(impressions).export)] if impressions else ()),
            # Last: profiles know the ids that are joined.
            PersonalStore("interactions", self._interactions, profiles.forget),
            PersonalStore("learning", self._learning),
            PersonalStore("joined", self._joined),
        )

    async def ids_of(self, user_id: str) -> list[str]:
        """All ids of a person: the user's own, and the anonymous ones that are joined to it."""
        return [user_id, *(await self.profiles.person(user_id)).anonymous_ids]

    async def opted_out(self, user_id: str) -> list[tuple[str, Period]]:
        """When nothing may be learnt of what a user does, by each id under which they did it."""
        person = await self.profiles.person(user_id)
        return [(known_id, period) for period in person.opted_out for known_id in (user_id, *person.anonymous_ids)]

    async def export(self, user_id: str) -> dict[str, Any]:
        """What every store has of a person under all of their ids, by the store's name, as JSON can have it."""
        ids = await self.ids_of(user_id)
        found: dict[str, Any] = {"user_id": user_id, "ids": ids, "traits": await self.profiles.traits(user_id)}
        for store in self.stores:
            found[store.name] = [
                {"user_id": known_id} | row for known_id in ids for row in await store.export(known_id)
            ]
        return found

    async def erase(self, forgotten: Forgotten) -> None:
        """Erase what was done until then under these ids, everywhere. May be repeated."""
        for store in self.stores:
            if store.erase is not None:
                await store.erase(forgotten)

    async def _interactions(self, user_id: str) -> list[dict[str, Any]]:
        return [_interaction(interaction) for interaction in await self.profiles.interactions_of(user_id)]

    async def _learning(self, user_id: str) -> list[dict[str, Any]]:
        changes = (await self.profiles.person(user_id)).learning
        return [{"time": as_time(change.time_ms), "learning": bool(change.is_allowed)} for change in changes]

    async def _joined(self, user_id: str) -> list[dict[str, Any]]:
        person = await self.profiles.person(user_id)
        joined = [{"time": as_time(link.time_ms), "anonymous_id": link.user_id} for link in person.anonymous]
        return joined + [{"time": as_time(link.time_ms), "belongs_to": link.user_id} for link in person.owners]


class _Sessions:
    def __init__(self, behaviour: BehaviourStore) -> None:
        self._behaviour = behaviour

    async def export(self, user_id: str) -> list[dict[str, Any]]:
        return [_session(session) for session in await self._behaviour.sessions_of(user_id, _SESSIONS)]


class _Shown:
    def __init__(self, impressions: ImpressionStore) -> None:
        self._impressions = impressions

    async def export(self, user_id: str) -> list[dict[str, Any]]:
        return [_impression(impression) for impression in await self._impressions.of_person(user_id)]


def as_time(time_ms: int) -> str:
    """A time of Unix milliseconds as exports write it."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _interaction(one: Interaction) -> dict[str, Any]:
    named = {"id": one.event_id, "source": one.source}
    return {"time": as_time(one.time_ms), "kind": one.kind, "product_id": one.product_id} | named


def _session(one: Session) -> dict[str, Any]:
    steps = [
        {"time": as_time(step.time_ms), "kind": _KINDS[step.kind], "product_id": step.product_id} for step in one.steps
    ]
    return {"session": one.ref, "steps": steps}


def _impression(one: Impression) -> dict[str, Any]:
    shown = list(unpack_shown(one.shown).product_ids)
    asked = {"query_id": one.query_id, "text": one.text, "offset": one.offset, "variant": one.variant}
    return {"time": as_time(one.time_ms), **asked, "product_ids": shown}
