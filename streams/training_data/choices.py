"""What shoppers chose of answers, from the topic of their events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import NamedTuple

from indexer.persons import Change, Person, with_change
from streams.config import KafkaConfig
from streams.events.schema import USER_EVENTS, Event, UserForgotten, UserIdentified, UserInteraction, UserProfiled
from streams.kafka.topic_history import read_events


class Choice(NamedTuple):
    """Somebody did something to a product of an answer. Whose it was is left out: nothing is learnt of it."""

    query_id: str
    product_id: str
    kind: str
    """`clicked`, `purchased`, …"""


async def read_choices(kafka: KafkaConfig) -> list[Choice]:
    """Choices that name a query, less those of people who are forgotten or may not be learnt from.

    Raises:
        KafkaUnavailable: Kafka does not answer in time.
    """
    async with aclosing(read_events(kafka, USER_EVENTS)) as events:
        return await choices_in(events)


async def choices_in(events: AsyncIterable[Event]) -> list[Choice]:
    """The same in events, in whatever order."""
    rights, chosen = _Rights(), list[tuple[str, int, Choice]]()
    async for event in events:
        data = event.data
        if isinstance(data, UserInteraction):
            if data.query_id:
                choice = Choice(data.query_id, data.product_id, event.type.removeprefix("user."))
                chosen.append((data.user_id, event.time_ms, choice))
        else:
            rights.hear(event)
    return [choice for user_id, time_ms, choice in chosen if not rights.refuses(user_id, time_ms)]


@dataclass(slots=True)
class _Rights:
    """What people asked for."""

    forgotten_ms: dict[str, int] = field(default_factory=dict[str, int])
    learning: dict[str, tuple[Change, ...]] = field(default_factory=dict[str, tuple[Change, ...]])
    owners: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))
    """Of anonymous ids, the users to whom they were joined: what these ask for is for those too."""

    def hear(self, event: Event) -> None:
        data = event.data
        if isinstance(data, UserForgotten):
            self.forgotten_ms[data.user_id] = max(event.time_ms, self.forgotten_ms.get(data.user_id, event.time_ms))
        elif isinstance(data, UserIdentified):
            self.owners[data.anonymous_id].add(data.user_id)
        elif isinstance(data, UserProfiled) and isinstance(data.learning, bool):
            change = Change(event.time_ms, int(data.learning))
            self.learning[data.user_id] = with_change(self.learning.get(data.user_id, ()), change)

    def refuses(self, user_id: str, time_ms: int) -> bool:
        return any(
            time_ms <= self.forgotten_ms.get(one, -1) or not Person(self.learning.get(one, ())).is_learnt_from(time_ms)
            for one in (user_id, *self.owners[user_id])
        )
