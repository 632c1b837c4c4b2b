"""Which dead letters were replayed: marks in a compacted topic of their own."""

from __future__ import annotations

from contextlib import aclosing

import msgspec

from streams.config import KafkaConfig
from streams.delivery.publisher import OutgoingMessage
from streams.events.schema import DEAD_LETTER_REPLAYS
from streams.failures.dead_letter_reader import DeadLetter
from streams.kafka.topic_history import read_topic


class ReplayMark(msgspec.Struct, frozen=True):
    """How far a partition of the dead-letter topic has been replayed, for one reason.

    Attributes:
        next_offset: of the first letter that was not replayed.
        latest_ms: Kafka's timestamp of the last letter that was, Unix milliseconds. Offsets begin anew when the topic
            is deleted and created again; timestamps do not.
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
    async def load(cls, kafka: KafkaConfig) -> ReplayMarks:
        """The marks as they are in Kafka. Raises `KafkaUnavailable` when it does not answer."""
        marks = cls()
        async with aclosing(read_topic(kafka, DEAD_LETTER_REPLAYS, missing_ok=True)) as messages:
            async for message in messages:
                for partition, mark in _MARKS.decode(message.value or b"{}").items():
                    marks._advance((message.key or b"").decode(), partition, mark)
        return marks

    def covers(self, letter: DeadLetter) -> bool:
        """Whether a letter was replayed."""
        mark = self._marks.get(letter.reason, {}).get(letter.position.partition, ReplayMark())
        return letter.position.offset < mark.next_offset and letter.position.timestamp_ms <= mark.latest_ms

    def mark_replayed(self, letter: DeadLetter) -> None:
        """Note that a letter, and all of its reason before it on its partition, were replayed."""
        position = letter.position
        self._advance(letter.reason, position.partition, ReplayMark(position.offset + 1, position.timestamp_ms))
        self._unsaved.add(letter.reason)

    def take_unsaved(self) -> list[OutgoingMessage]:
        """What to publish so that the marks outlive this process."""
        reasons, self._unsaved = self._unsaved, set()
        return [
            OutgoingMessage(DEAD_LETTER_REPLAYS, reason.encode(), msgspec.json.encode(self._marks[reason]))
            for reason in sorted(reasons)
        ]

    def _advance(self, reason: str, partition: int, mark: ReplayMark) -> None:
        marks = self._marks.setdefault(reason, {})
        old = marks.get(partition, ReplayMark())
        created_again = mark.next_offset < old.next_offset and mark.latest_ms > old.latest_ms
        offset = mark.next_offset if created_again else max(old.next_offset, mark.next_offset)
        marks[partition] = ReplayMark(offset, max(old.latest_ms, mark.latest_ms))


_MARKS = msgspec.json.Decoder(dict[int, ReplayMark])
