"""The profile pipeline: a batch of shoppers' events becomes a few writes to the profile store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress

from indexer.personal_data import PersonalData
from indexer.ports.behaviour import BehaviourStore
from indexer.ports.profiles import (
    Identification,
    Interaction,
    LearningChange,
    PersonKeys,
    ProfileStore,
    TraitChange,
)
from streams.delivery.availability import until_available
from streams.delivery.bisecting import bisect, reject_failed
from streams.delivery.decoding import Horizon, decode_message
from streams.delivery.messages import Message, RejectedMessage
from streams.delivery.publisher import Publisher, publish_durably
from streams.errors import InvalidEvent
from streams.events.schema import Event, UserForgotten, UserIdentified, UserInteraction, UserProfiled
from streams.failures.sealed_letters import LetterSealer


class ProfileRecorder:
    """Writes user events to the stores of profiles and of behaviour: any order, any repetition, any batches make the
    same of them."""

    def __init__(self, profiles: ProfileStore, behaviour: BehaviourStore, horizon: Horizon) -> None:
        self._profiles = profiles
        self._behaviour = behaviour
        self._data = PersonalData(profiles, behaviour)
        self.horizon = horizon
        """How old an event may be."""

    async def record(self, batch: Sequence[Message]) -> list[RejectedMessage]:
        """Record a batch durably, waiting for as long as the store is away.

        Returns:
            The messages that can never be recorded, and why.
        """
        accepted: list[tuple[Message, Event]] = []
        rejected: list[RejectedMessage] = []
        for message in batch:
            try:
                accepted.append((message, decode_message(message, self.horizon)))
            except InvalidEvent as fault:
                rejected.append(RejectedMessage(message, fault))
            except Exception as error:
                rejected.append(reject_failed(message, error))
        failed = await bisect(accepted, self._write)
        return rejected + [reject_failed(message, error) for (message, _), error in failed]

    async def _write(self, accepted: Sequence[tuple[Message, Event]]) -> None:
        said = _Said()
        for _, event in accepted:
            said.add(event)
        # First what says whether the rest may be recorded.
        await until_available("redis", lambda: self._forget(said.forgotten))
        await until_available("redis", lambda: self._identify(said.identified))
        await until_available("redis", lambda: self._set_learning(said.learning))
        await until_available("redis", lambda: self._record(said.interactions))
        await until_available("redis", lambda: self._profiles.set_traits(said.traits))

    async def _forget(self, forgotten: Sequence[tuple[str, int]]) -> None:
        """Forget people under all of their ids."""
        ids = [(await self._data.ids_of(user_id), time_ms) for user_id, time_ms in forgotten]
        await self._data.erase([(one, time_ms) for some, time_ms in ids for one in some])

    async def _identify(self, identified: Sequence[tuple[str, Identification]]) -> None:
        """Join ids; one that is joined to somebody forgotten is forgotten as well, and so are the first of too many."""
        users = {user_id for user_id, _ in identified}
        ids = {one for user_id in users for one in await self._data.ids_of(user_id)}
        await self._profiles.identify(identified)
        forgotten_ms = await self._profiles.forgotten_ms([*ids, *(one.anonymous_id for _, one in identified)])
        await self._behaviour.forget(list(forgotten_ms.items()))
        await self._erase_unlearnt(users)

    async def _set_learning(self, changes: Sequence[tuple[str, LearningChange]]) -> None:
        await self._profiles.set_learning(changes)
        await self._erase_unlearnt({user_id for user_id, _ in changes})

    async def _erase_unlearnt(self, user_ids: Iterable[str]) -> None:
        """Erase the behaviour of the times when these opted out, under all of their ids; profiles did so themselves."""
        for user_id in user_ids:
            await self._behaviour.erase(await self._data.opted_out(user_id))

    async def _record(self, interactions: Sequence[tuple[str, Interaction]]) -> None:
        counts = await self._profiles.record(interactions)
        await self._behaviour.record(list(compress(interactions, counts)))


@dataclass
class _Said:
    """What a batch of events says of people, by what is done with it; each with its user's id."""

    forgotten: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    identified: list[tuple[str, Identification]] = field(default_factory=list[tuple[str, Identification]])
    learning: list[tuple[str, LearningChange]] = field(default_factory=list[tuple[str, LearningChange]])
    interactions: list[tuple[str, Interaction]] = field(default_factory=list[tuple[str, Interaction]])
    traits: list[tuple[str, TraitChange]] = field(default_factory=list[tuple[str, TraitChange]])

    def add(self, event: Event) -> None:
        match event.data:
            case UserInteraction() as data:
                self.interactions.append((data.user_id, _interaction(event, data)))
            case UserProfiled() as data:
                self.traits.append((data.user_id, TraitChange(event.id, data.traits, event.time_ms, event.source)))
                if data.learning is not None:
                    self.learning.append((data.user_id, LearningChange(data.learning, event.time_ms)))
            case UserIdentified() as data:
                self.identified.append((data.user_id, Identification(data.anonymous_id, event.time_ms)))
            case UserForgotten() as data:
                self.forgotten.append((data.user_id, event.time_ms))
            case _:
                pass


class ProfilePipeline:
    """Records what shoppers do, and publishes dead letters for what cannot be recorded, sealed for each shopper."""

    def __init__(
        self,
        profiles: ProfileStore,
        behaviour: BehaviourStore,
        person_keys: PersonKeys,
        publisher: Publisher,
        finish: Callable[[Sequence[Message]], None],
        horizon: Horizon,
    ) -> None:
        self._recorder = ProfileRecorder(profiles, behaviour, horizon)
        self._sealer = LetterSealer(person_keys)
        self._publisher = publisher
        self._finish = finish

    async def process(self, batch: list[Message]) -> None:
        """Record a batch: decode, write, publish dead letters, and mark all its messages as done."""
        rejected = await self._recorder.record(batch)
        await publish_durably(self._publisher, await self._sealer.letters(rejected))
        self._finish(batch)


def _interaction(event: Event, data: UserInteraction) -> Interaction:
    return Interaction(
        event.id,
        event.type.removeprefix("user."),
        data.product_id,
        event.time_ms,
        event.source,
        data.session_id or "",
        data.query_id or "",
        data.position,
    )
