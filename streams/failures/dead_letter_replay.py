"""Publishing dead letters again, each to where it came from, and remembering how far that went."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import msgspec

from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import Origin
from streams.errors import InvalidEvent
from streams.events.schema import DEAD_LETTER_REPLAYS, TYPES_BY_TOPIC
from streams.failures.dead_letter_reader import DeadLetter, read_dead_letters, read_topic
from streams.kafka.producer import Delivery, EventPublisher

CHUNK_LETTERS = 500
"""Letters between two notes of how far a replay has come: so many are repeated at most when it is broken off."""
CHUNK_S = 1.0
REFUSALS_KEPT = 20


class ReplayMark(msgspec.Struct, frozen=True):
    """How far a partition of the dead-letter topic has been replayed.

    The time is there because offsets begin anew when the topic is deleted and created again.
    """

    next_offset: int = 0
    latest_ms: int = -1


class ReplayMarks:
    """Which dead letters were replayed: a mark for each reason and partition, kept in a compacted topic.

    Marks move forward only, so it does not matter in which order they are written, or how often.
    """

    def __init__(self) -> None:
        self._marks: dict[str, dict[int, ReplayMark]] = {}
        self._unsaved: set[str] = set()

    @classmethod
    async def load(cls, bootstrap_servers: str) -> ReplayMarks:
        """The marks as they are in Kafka. Raises `KafkaUnavailable` when it does not answer."""
        marks = cls()
        async with aclosing(read_topic(bootstrap_servers, DEAD_LETTER_REPLAYS)) as messages:
            async for message in messages:
                for partition, mark in _marks.decode(message.value or b"{}").items():
                    marks._advance((message.key or b"").decode(), partition, mark)
        return marks

    def covers(self, letter: DeadLetter) -> bool:
        """Whether a letter was replayed."""
        mark = self._marks.get(letter.reason, {}).get(letter.position.partition, ReplayMark())
        return letter.position.offset < mark.next_offset and letter.position.timestamp_ms <= mark.latest_ms

    def mark_replayed(self, letter: DeadLetter) -> None:
        """Note that a letter, and all of its reason before it on its partition, were replayed."""
        place = letter.position
        self._advance(letter.reason, place.partition, ReplayMark(place.offset + 1, place.timestamp_ms))
        self._unsaved.add(letter.reason)

    def take_unsaved(self) -> list[OutgoingMessage]:
        """What to publish so that the marks outlive this process."""
        reasons, self._unsaved = self._unsaved, set()
        return [
            OutgoingMessage(DEAD_LETTER_REPLAYS, one.encode(), msgspec.json.encode(self._marks[one]))
            for one in sorted(reasons)
        ]

    def _advance(self, reason: str, partition: int, mark: ReplayMark) -> None:
        marks = self._marks.setdefault(reason, {})
        old = marks.get(partition, ReplayMark())
        created_again = mark.next_offset < old.next_offset and mark.latest_ms > old.latest_ms
        offset = mark.next_offset if created_again else max(old.next_offset, mark.next_offset)
        marks[partition] = ReplayMark(offset, max(old.latest_ms, mark.latest_ms))


@dataclass(frozen=True, slots=True)
class ReplaySelection:
    """Which dead letters are wanted."""

    reason: str | None = None
    """None: all."""
    include_replayed: bool = False
    """Those that were replayed before, too."""
    limit: int | None = None
    """So many at most, the first."""


@dataclass(slots=True)
class ReplayReport:
    """What came of a replay.

    Attributes:
        seen: letters looked at.
        replayed_before: letters that were wanted but for having been replayed.
        replayed: letters that every in-sync replica has on their topics, by reason.
        refused: letters that cannot be published again, by reason.
        refusals: why, for the first of them.
    """

    seen: int = 0
    already_replayed: int = 0
    replayed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)

    def add_refusal(self, letter: DeadLetter, fault: InvalidEvent) -> None:
        """Note a letter that cannot be published again."""
        self.refused[letter.reason] += 1
        if len(self.refusals) < REFUSALS_KEPT:
            self.refusals.append(str(fault))


async def select_letters(
    bootstrap_servers: str, selection: ReplaySelection, marks: ReplayMarks, report: ReplayReport
) -> AsyncGenerator[DeadLetter, None]:
    """The wanted letters of those that are there now, in their order. Raises `KafkaUnavailable`."""
    left = selection.limit
    async with aclosing(read_dead_letters(bootstrap_servers)) as letters:
        async for letter in letters:
            report.seen += 1
            if selection.reason not in (None, letter.reason):
                continue
            if marks.covers(letter) and not selection.include_replayed:
                report.already_replayed += 1
                continue
            yield letter
            left = None if left is None else left - 1
            if left == 0:
                return


class Replayer:
    """Publishes dead letters again; may be broken off at any point, and repeated."""

    def __init__(
        self,
        publisher: EventPublisher,
        marks: ReplayMarks,
        report: ReplayReport,
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        self._publisher = publisher
        self._marks = marks
        self._report = report
        self._on_progress = on_progress
        self._chunk: list[tuple[DeadLetter, Delivery | None]] = []

    async def run(self, letters: AsyncIterator[DeadLetter]) -> None:
        """Publish letters in their order, and note how far that went whenever a chunk of them is acknowledged.

        Raises:
            PublishFailed: Kafka stopped taking messages; the report tells how many it has.
            KafkaUnavailable: Kafka stopped sending letters.
        """
        began = time.monotonic()
        async for letter in letters:
            self._chunk.append((letter, await self._send(letter)))
            if len(self._chunk) >= CHUNK_LETTERS or time.monotonic() - began >= CHUNK_S:
                await self._settle()
                began = time.monotonic()
        await self._settle()

    async def _send(self, letter: DeadLetter) -> Delivery | None:
        try:
            return await self._publisher.send_raw(to_replay_message(letter), _name(letter))
        except InvalidEvent as fault:
            self._report.add_refusal(letter, fault)
            return None

    async def _settle(self) -> None:
        """Wait until what was sent is durable, then say so and note it."""
        chunk, self._chunk = self._chunk, []
        await self._publisher.wait_delivered(delivery for _, delivery in chunk if delivery)
        self._report.replayed.update(letter.reason for letter, delivery in chunk if delivery)
        for letter, _ in chunk:
            self._marks.mark_replayed(letter)
        await self._publisher.wait_delivered(
            [await self._publisher.send_raw(one, "a replay's mark") for one in self._marks.take_unsaved()]
        )
        self._on_progress()


def to_replay_message(letter: DeadLetter) -> OutgoingMessage:
    """The message as it goes back to where it came from, asking for a fresh start.

    Raises:
        InvalidEvent: where it came from is not known.
    """
    if letter.topic not in TYPES_BY_TOPIC or min(letter.partition, letter.offset) < 0:
        raise InvalidEvent("wrong_topic", f"{_name(letter)} does not say which event topic it came from")
    first = Origin(letter.topic, letter.partition, letter.offset, letter.timestamp_ms)
    return OutgoingMessage(
        letter.topic, letter.key, letter.value, letter.headers | first.headers(attempt=0), letter.partition
    )


def _name(letter: DeadLetter) -> str:
    return f"the dead letter of {letter.topic or 'an unknown topic'}[{letter.partition}]@{letter.offset}"


_marks = msgspec.json.Decoder(dict[int, ReplayMark])
