"""Publishing dead letters again, each to where it came from, and remembering how far that went."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from streams.config import KafkaConfig
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import Origin
from streams.errors import InvalidEvent
from streams.events.schema import TYPES_BY_TOPIC
from streams.failures.dead_letter_reader import DeadLetter, LetterOpener, read_dead_letters
from streams.failures.replay_marks import ReplayMarks
from streams.kafka.producer import Delivery, EventPublisher

CHUNK_LETTERS = 500
"""Letters between two marks of how far a replay has come: so many are repeated at most when it is broken off."""
CHUNK_S = 1.0
"""A chunk ends after this time, however few letters it has."""
MAX_REFUSALS = 20
"""Refusals that a report keeps in words."""


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
        already_replayed: letters of the selection that were left out because they had been replayed.
        replayed: letters that every in-sync replica has on their topics, by reason.
        forgotten: letters of people who are forgotten, which nobody can publish again.
        refused: letters that cannot be published again, by reason.
        refusals: why, for the first of them.
    """

    seen: int = 0
    already_replayed: int = 0
    replayed: Counter[str] = field(default_factory=Counter[str])
    forgotten: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    refusals: list[str] = field(default_factory=list[str])

    def add_refusal(self, letter: DeadLetter, fault: InvalidEvent) -> None:
        """Note a letter that cannot be published again."""
        self.refused[letter.reason] += 1
        if len(self.refusals) < MAX_REFUSALS:
            self.refusals.append(str(fault))


async def select_letters(
    kafka: KafkaConfig, selection: ReplaySelection, marks: ReplayMarks, opener: LetterOpener, report: ReplayReport
) -> AsyncGenerator[DeadLetter, None]:
    """The wanted letters of those that are there now, in their order, opened.

    Raises:
        KafkaUnavailable: Kafka does not answer.
        IndexerError: a letter cannot be opened now, and may be another time.
    """
    left = selection.limit
    async with aclosing(read_dead_letters(kafka)) as letters:
        async for letter in letters:
            report.seen += 1
            if selection.reason not in (None, letter.reason):
                continue
            if marks.covers(letter) and not selection.include_replayed:
                report.already_replayed += 1
                continue
            try:
                opened = await opener.open(letter)
            except InvalidEvent as fault:
                report.add_refusal(letter, fault)
                continue
            if opened.state == "forgotten":
                report.forgotten += 1
                continue
            yield opened
            left = None if left is None else left - 1
            if left == 0:
                return


async def replay_dead_letters(
    kafka: KafkaConfig,
    selection: ReplaySelection,
    opener: LetterOpener,
    report: ReplayReport,
    on_progress: Callable[[], None],
) -> None:
    """Publish the selected dead letters again, counting into `report`. The topics must exist.

    Args:
        kafka: where it is, and who asks; its `deadline_s` is for each message to be acknowledged.
        selection: which letters.
        opener: of letters about people.
        report: is counted into, also when this raises.
        on_progress: is called whenever a chunk is durable.

    Raises:
        PublishFailed: Kafka stopped taking messages.
        KafkaUnavailable: Kafka stopped sending letters.
        IndexerError: the keys of letters about people are not at hand.
    """
    marks = await ReplayMarks.load(kafka)
    async with (
        EventPublisher(kafka) as publisher,
        aclosing(select_letters(kafka, selection, marks, opener, report)) as letters,
    ):
        await Replayer(publisher, marks, report, on_progress).run(letters)


async def rehearse_replay(
    kafka: KafkaConfig, selection: ReplaySelection, opener: LetterOpener, report: ReplayReport
) -> None:
    """Count into `report` what a replay would publish, and publish nothing. Raises `KafkaUnavailable`."""
    marks = await ReplayMarks.load(kafka)
    async with aclosing(select_letters(kafka, selection, marks, opener, report)) as letters:
        async for letter in letters:
            report.replayed[letter.reason] += 1


class Replayer:
    """Publishes dead letters again.

    At least once: a replay that is broken off repeats up to `CHUNK_LETTERS` when it is run again, which does no harm.
    """

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
        """Publish letters in their order, and a mark of how far that went whenever a chunk of them is durable.

        Raises:
            PublishFailed: Kafka stopped taking messages; the report tells how many it has.
            KafkaUnavailable: Kafka stopped sending letters.
        """
        chunk_began_s = time.monotonic()
        async for letter in letters:
            self._chunk.append((letter, await self._send(letter)))
            if len(self._chunk) >= CHUNK_LETTERS or time.monotonic() - chunk_began_s >= CHUNK_S:
                await self._settle()
                chunk_began_s = time.monotonic()
        await self._settle()

    async def _send(self, letter: DeadLetter) -> Delivery | None:
        try:
            return await self._publisher.send_raw(to_replay_message(letter), _name(letter))
        except InvalidEvent as fault:
            self._report.add_refusal(letter, fault)
            return None

    async def _settle(self) -> None:
        """Wait until the chunk is durable, count it, and publish the marks."""
        chunk, self._chunk = self._chunk, []
        await self._publisher.wait_delivered(delivery for _, delivery in chunk if delivery)
        self._report.replayed.update(letter.reason for letter, delivery in chunk if delivery)
        for letter, _ in chunk:
            self._marks.mark_replayed(letter)
        await self._publisher.wait_delivered(
            [await self._publisher.send_raw(mark, "a replay's mark") for mark in self._marks.take_unsaved()]
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
