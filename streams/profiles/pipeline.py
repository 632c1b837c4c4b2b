"""The profile pipeline: a batch of shoppers' events becomes a few writes to the profile store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from indexer.ports.behaviour import BehaviourStore
from indexer.ports.profiles import Interaction, PersonKeys, ProfileStore, TraitChange
from streams.delivery.availability import until_available
from streams.delivery.bisecting import bisect, reject_failed
from streams.delivery.decoding import Horizon, decode_message
from streams.delivery.messages import Message, RejectedMessage
from streams.delivery.publisher import Publisher, publish_durably
from streams.errors import InvalidEvent
from streams.events.schema import Event, UserForgotten, UserInteraction, UserProfiled
from streams.failures.sealed_letters import LetterSealer


class ProfileRecorder:
    """Writes user events to the stores of profiles and of behaviour: any order, any repetition, any batches make the
    same of them."""

    def __init__(self, profiles: ProfileStore, behaviour: BehaviourStore, horizon: Horizon) -> None:
        self._profiles = profiles
        self._behaviour = behaviour
        self._horizon = horizon

    async def record(self, batch: Sequence[Message]) -> list[RejectedMessage]:
        """Record a batch durably, waiting for as long as the store is away.

        Returns:
            The messages that can never be recorded, and why.
        """
        accepted: list[tuple[Message, Event]] = []
        rejected: list[RejectedMessage] = []
        for message in batch:
            try:
                accepted.append((message, decode_message(message, self._horizon)))
            except InvalidEvent as fault:
                rejected.append(RejectedMessage(message, fault))
            except Exception as error:
                rejected.append(reject_failed(message, error))
        failed = await bisect(accepted, self._write)
        return rejected + [reject_failed(message, error) for (message, _), error in failed]

    async def _write(self, accepted: Sequence[tuple[Message, Event]]) -> None:
        forgotten: list[tuple[str, int]] = []
        interactions: list[tuple[str, Interaction]] = []
        traits: list[tuple[str, TraitChange]] = []
        for _, event in accepted:
            data = event.data
            if isinstance(data, UserInteraction):
                interactions.append((data.user_id, _interaction(event, data)))
            elif isinstance(data, UserProfiled):
                traits.append((data.user_id, TraitChange(event.id, data.traits, event.time_ms, event.source)))
            elif isinstance(data, UserForgotten):
                forgotten.append((data.user_id, event.time_ms))
        await until_available("redis", lambda: self._profiles.forget(forgotten))
        await until_available("redis", lambda: self._behaviour.forget(forgotten))
        await until_available("redis", lambda: self._profiles.record(interactions))
        await until_available("redis", lambda: self._behaviour.record(interactions))
        await until_available("redis", lambda: self._profiles.set_traits(traits))


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
    kind, session_id = event.type.removeprefix("user."), data.session_id or ""
    return Interaction(event.id, kind, data.product_id, event.time_ms, event.source, session_id)
