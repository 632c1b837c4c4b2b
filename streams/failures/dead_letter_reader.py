"""Reading the dead-letter topic to its present end, and opening the letters that are about people."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import msgspec

from indexer.errors import Undecryptable
from indexer.ports.profiles import PersonKeys
from indexer.privacy import decrypt
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
from streams.errors import InvalidEvent
from streams.events.schema import DEAD_LETTER
from streams.failures.dead_letters import ERROR_HEADER, REASON_HEADER, TIME_HEADER, known_reason
from streams.failures.sealed_letters import FORGOTTEN, SEALED_HEADER, SealedContent
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
        state: whether all of this is known, or what is about a person is under a seal, its names being in `sealed_by`,
            or gone, as the person is forgotten.
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
    state: Literal["open", "sealed", "forgotten"] = "open"
    sealed_by: tuple[str, ...] = ()


class LetterOpener:
    """Opens letters with the keys of their people, of which it remembers the last ones."""

    def __init__(self, keys: PersonKeys) -> None:
        self._keys = keys
        self._known: dict[str, bytes | None] = {}

    async def open(self, letter: DeadLetter) -> DeadLetter:
        """The letter with all that it says; `forgotten` where one of its keys is gone.

        Raises:
            StoreUnavailable: the keys are not at hand.
            Undecryptable: the keys are encrypted with another secret than this program's.
            InvalidEvent: the letter was changed since it was written.
        """
        if letter.state != "sealed":
            return letter
        keys = await self._find(letter.sealed_by)
        if len(keys) < len(letter.sealed_by):
            return replace(letter, state="forgotten", value=None)
        content = _content(letter, keys)
        return replace(
            letter,
            state="open",
            key=content.key,
            value=content.value,
            headers=content.headers,
            error=content.error,
        )

    async def _find(self, names: Sequence[str]) -> dict[str, bytes]:
        new = [name for name in names if name not in self._known]
        if new:
            if len(self._known) > REMEMBERED_KEYS:
                self._known.clear()
            found = await self._keys.find(names)
            self._known |= {name: found.get(name) for name in names}
        return {name: key for name in names if (key := self._known[name]) is not None}


def _content(letter: DeadLetter, keys: Mapping[str, bytes]) -> SealedContent:
    data = letter.value or b""
    try:
        for name in reversed(letter.sealed_by):
            data = decrypt(keys[name], data, name.encode())
        return _contents.decode(data)
    except (Undecryptable, msgspec.DecodeError) as error:
        place = f"{letter.topic}[{letter.partition}]@{letter.offset}"
        raise InvalidEvent("undecodable", f"the dead letter of {place} was changed: {error}") from error


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
            yield to_letter(message)


def to_letter(message: Message) -> DeadLetter:
    """The dead letter that a message of the topic is; what is under its seal stays there."""
    letter = _clear_letter(message)
    names = message.headers.get(SEALED_HEADER)
    if names is None:
        return letter
    without = replace(letter, key=None, headers={})
    if names == FORGOTTEN:
        return replace(without, value=None, state="forgotten")
    return replace(without, state="sealed", sealed_by=tuple(names.decode(errors="replace").split(",")))


def _clear_letter(message: Message) -> DeadLetter:
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


REMEMBERED_KEYS = 10_000
_contents = msgspec.msgpack.Decoder(SealedContent)
_DEAD_LETTER_HEADERS = RETRY_HEADERS | {REASON_HEADER, ERROR_HEADER, TIME_HEADER}
N = TypeVar("N", int, None)


def _number(text: str, otherwise: N) -> int | N:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else otherwise
