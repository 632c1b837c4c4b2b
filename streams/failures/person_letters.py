"""What Kafka holds about somebody: dead letters that name them, and the log of what shoppers did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import aclosing

from streams.config import KafkaConfig
from streams.delivery.messages import Message
from streams.events.schema import USER_EVENTS, Event, UserIdentified
from streams.failures.dead_letter_reader import DeadLetter, read_dead_letters
from streams.failures.sealed_letters import persons_in
from streams.kafka.topic_history import read_events


async def letters_about(
    kafka: KafkaConfig, ids: Collection[str], open_letter: Callable[[DeadLetter], Awaitable[DeadLetter]]
) -> AsyncIterator[DeadLetter]:
    """The dead letters that name somebody by one of their ids, opened.

    Raises:
        KafkaUnavailable: Kafka does not answer in time.
    """
    async with aclosing(read_dead_letters(kafka)) as letters:
        async for sealed in letters:
            letter = await open_letter(sealed)
            if letter.state == "open" and not set(ids).isdisjoint(persons_in(_message(letter)) or ()):
                yield letter


async def events_of(kafka: KafkaConfig, ids: Collection[str]) -> AsyncIterator[Event]:
    """The events of somebody that the log of what shoppers did still holds, those that forgetting ignores among them.

    Raises:
        KafkaUnavailable: Kafka does not answer in time.
    """
    async with aclosing(read_events(kafka, USER_EVENTS)) as events:
        async for event in events:
            named = {getattr(event.data, "user_id", "")}
            named |= {event.data.anonymous_id} if isinstance(event.data, UserIdentified) else set()
            if not named.isdisjoint(ids):
                yield event


def _message(letter: DeadLetter) -> Message:
    place = letter.partition, letter.offset, letter.time_ms
    return Message(letter.topic, *place, letter.key, letter.value, letter.headers, lambda: None)
