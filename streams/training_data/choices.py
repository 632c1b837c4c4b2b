"""What shoppers chose of answers, from the topic of their events."""

from __future__ import annotations

from collections.abc import AsyncIterable
from contextlib import aclosing
from typing import NamedTuple

from streams.config import KafkaConfig
from streams.events.schema import USER_EVENTS, Event, UserInteraction
from streams.kafka.topic_history import read_events
from streams.training_data.rights import Rights


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
    rights, chosen = Rights(), list[tuple[str, int, Choice]]()
    async for event in events:
        data = event.data
        if isinstance(data, UserInteraction):
            if data.query_id:
                choice = Choice(data.query_id, data.product_id, event.type.removeprefix("user."))
                chosen.append((data.user_id, event.time_ms, choice))
        else:
            rights.hear(data, event.time_ms)
    return [choice for user_id, time_ms, choice in chosen if not rights.refuses(user_id, time_ms)]
