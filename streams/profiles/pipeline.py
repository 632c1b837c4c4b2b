"""The shopper pipeline: a batch of user events becomes a few writes to the profile store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from indexer.ports import Interaction, ProfileStore, TraitChange
from streams import metrics
from streams.delivery.availability import until_available
from streams.delivery.decoding import Horizon, decode_message
from streams.delivery.messages import Message
from streams.delivery.publisher import Publisher
from streams.errors import InvalidEvent
from streams.events.schema import Event, UserForgotten, UserInteraction, UserProfiled
from streams.failures.dead_letters import build_dead_letter

log = logging.getLogger(__name__)

RejectedMessage = tuple[Message, InvalidEvent]


class ProfileRecorder:
    """Writes user events to the profile store: any order, any repetition, any batches make the same profiles."""

    def __init__(self, profiles: ProfileStore, horizon: Horizon) -> None:
        self._profiles = profiles
        self._horizon = horizon

    async def record(self, batch: Sequence[Message]) -> list[RejectedMessage]:
        """Record a batch durably, however long the store is away; what can never be recorded is handed back."""
        accepted: list[tuple[Message, Event]] = []
        refused: list[RejectedMessage] = []
        for message in batch:
            try:
                accepted.append((message, decode_message(message, self._horizon)))
            except InvalidEvent as fault:
                refused.append((message, fault))
            except Exception as error:
                refused.append(_internal_fault(message, error))
        return refused + await self._write_or_bisect(accepted)

    async def _write_or_bisect(self, accepted: Sequence[tuple[Message, Event]]) -> list[RejectedMessage]:
        """Write; when the batch cannot be, find the events at fault and go on without them."""
        try:
            await self._write([event for _, event in accepted])
        except Exception as error:
            if len(accepted) == 1:
                return [_internal_fault(accepted[0][0], error)]
            middle = len(accepted) // 2
            return await self._write_or_bisect(accepted[:middle]) + await self._write_or_bisect(accepted[middle:])
        return []

    async def _write(self, events: Sequence[Event]) -> None:
        forgotten: list[tuple[str, int]] = []
        interactions: list[tuple[str, Interaction]] = []
        traits: list[tuple[str, TraitChange]] = []
        for event in events:
            data = event.data
            if isinstance(data, UserInteraction):
                interactions.append((data.user_id, _interaction(event, data)))
            elif isinstance(data, UserProfiled):
                traits.append((data.user_id, TraitChange(event.id, data.traits, event.time_ms, event.source)))
            elif isinstance(data, UserForgotten):
                forgotten.append((data.user_id, event.time_ms))
        await until_available("redis", lambda: self._profiles.forget(forgotten))
        await until_available("redis", lambda: self._profiles.record(interactions))
        await until_available("redis", lambda: self._profiles.set_traits(traits))


class ProfilePipeline:
    """Records what shoppers do, and buries what cannot be recorded."""

    def __init__(
        self,
        profiles: ProfileStore,
        publisher: Publisher,
        finish: Callable[[Sequence[Message]], None],
        horizon: Horizon,
    ) -> None:
        self._recorder = ProfileRecorder(profiles, horizon)
        self._publisher = publisher
        self._finish = finish

    async def process(self, batch: list[Message]) -> None:
        """Record a batch: decode, write, bury what is invalid, finish."""
        await self._publish_dead_letters(await self._recorder.record(batch))
        self._finish(batch)

    async def _publish_dead_letters(self, refused: Sequence[RejectedMessage]) -> None:
        if not refused:
            return
        for _, fault in refused:
            metrics.DEAD_LETTERS.labels(fault.reason).inc()
        letters = [build_dead_letter(message, fault) for message, fault in refused]
        await until_available("kafka", lambda: self._publisher.publish(letters))


def _internal_fault(message: Message, error: Exception) -> RejectedMessage:
    """Whatever it is about this event, it must not stop its partition by ending the worker again and again."""
    log.error("event_failed", exc_info=error, extra={"partition": message.partition, "offset": message.offset})
    return message, InvalidEvent("internal", f"{type(error).__name__}: {error}")


def _interaction(event: Event, data: UserInteraction) -> Interaction:
    return Interaction(event.id, event.type.removeprefix("user."), data.product_id, event.time_ms, event.source)
