"""The shopper pipeline: a batch of user events becomes one write to the profile store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from indexer.ports import Interaction, ProfileStore
from streams import metrics
from streams.dead_letters import dead_letter
from streams.decoding import Horizon, decode_message
from streams.errors import InvalidEvent
from streams.events import Event, UserInteraction, UserProfiled
from streams.messages import Message
from streams.publisher import Publisher
from streams.retrying import until_available


class ProfilePipeline:
    """Records what shoppers do. Idempotent by event id, so redelivery counts nothing twice."""

    def __init__(
        self,
        profiles: ProfileStore,
        publisher: Publisher,
        finish: Callable[[Sequence[Message]], None],
        horizon: Horizon,
    ) -> None:
        self._profiles = profiles
        self._publisher = publisher
        self._finish = finish
        self._horizon = horizon

    async def process(self, batch: list[Message]) -> None:
        """Record a batch: decode, write, bury what is invalid, finish."""
        events: list[Event] = []
        refused: list[tuple[Message, InvalidEvent]] = []
        for message in batch:
            try:
                events.append(decode_message(message, self._horizon))
            except InvalidEvent as fault:
                refused.append((message, fault))
        await self._write(events)
        await self._bury(refused)
        self._finish(batch)

    async def _write(self, events: Sequence[Event]) -> None:
        interactions = [
            (event.data.user_id, _interaction(event, event.data))
            for event in events
            if isinstance(event.data, UserInteraction)
        ]
        traits = [
            (event.data.user_id, event.time_ms, event.data.traits)
            for event in events
            if isinstance(event.data, UserProfiled)
        ]
        await until_available("redis", lambda: self._profiles.record(interactions))
        await until_available("redis", lambda: self._profiles.set_traits(traits))

    async def _bury(self, refused: Sequence[tuple[Message, InvalidEvent]]) -> None:
        if refused:
            for _, fault in refused:
                metrics.DEAD_LETTERS.labels(fault.reason).inc()
            letters = [dead_letter(message, fault) for message, fault in refused]
            await until_available("kafka", lambda: self._publisher.publish(letters))


def _interaction(event: Event, data: UserInteraction) -> Interaction:
    return Interaction(event.id, event.type.removeprefix("user."), data.product_id, event.time_ms)
