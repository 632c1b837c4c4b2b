"""Reading the dead-letter topic to its present end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from streams.config import KafkaConfig
from streams.delivery.messages import Message
from streams.delivery.retry_headers import (
    MAX_DIGITS,
    OFFSET_HEADER,
    PARTITION_HEADER,
    RETRY_HEADERS,
    TIMESTAMP_HEADER,
    TOPIC_HEADER,
)
from streams.events.schema import DEAD_LETTER
from streams.failures.dead_letters import ERROR_HEADER, REASON_HEADER, TIME_HEADER, known_reason
from streams.kafka.topic_history import read_topic


@dataclass(frozen=True, slots=True)
class DeadLetterPosition:
    """Where a dead letter lies in its topic."""

    partition: int
    offset: int
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be processed, and why.

    Attributes:
        reason: the class of fault.
        error: what was wrong, in words.
        topic, partition, offset: where the message first arrived; empty and -1: that is not known.
        timestamp_ms: when Kafka first took it, Unix milliseconds; None: that is not known.
        time_ms: when it was given up, Unix milliseconds.
        key, value: as they were.
        headers: the message's own, by name.
        position: where the dead letter itself is.
    """

    reason: str
    error: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    time_ms: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    position: DeadLetterPosition


async def read_dead_letters(kafka: KafkaConfig) -> AsyncGenerator[DeadLetter, None]:
    """The dead letters that the topic holds now, oldest first within a partition; none if there is no such topic.

    Joins no consumer group and commits nothing. A few hundred letters are in memory at a time.

    Args:
        kafka: where it is, and who asks.

    Raises:
        KafkaUnavailable: Kafka does not answer in time.
    """
    async with aclosing(read_topic(kafka, DEAD_LETTER, missing_ok=True)) as messages:
        async for message in messages:
            yield _letter(message)


def _letter(message: Message) -> DeadLetter:
    notes = {name: (message.headers.get(name) or b"").decode(errors="replace") for name in _DEAD_LETTER_HEADERS}
    return DeadLetter(
        reason=known_reason(notes[REASON_HEADER]),
        error=notes[ERROR_HEADER],
        topic=notes[TOPIC_HEADER],
        partition=_number(notes[PARTITION_HEADER], -1),
        offset=_number(notes[OFFSET_HEADER], -1),
        timestamp_ms=_number(notes[TIMESTAMP_HEADER], None),
        time_ms=_number(notes[TIME_HEADER], message.timestamp_ms),
        key=message.key,
        value=message.value,
        headers={name: value or b"" for name, value in message.headers.items() if name not in _DEAD_LETTER_HEADERS},
        position=DeadLetterPosition(message.partition, message.offset, message.timestamp_ms),
    )


_DEAD_LETTER_HEADERS = RETRY_HEADERS | {REASON_HEADER, ERROR_HEADER, TIME_HEADER}
N = TypeVar("N", int, None)


def _number(text: str, otherwise: N) -> int | N:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else otherwise
