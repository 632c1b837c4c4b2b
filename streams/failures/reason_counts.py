"""How many dead letters there are of each reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from streams.config import KafkaConfig
from streams.failures.dead_letter_reader import DeadLetter, read_dead_letters
from streams.failures.replay_marks import ReplayMarks

Opener = Callable[[DeadLetter], Awaitable[DeadLetter]]


@dataclass(slots=True)
class ReasonCount:
    """The dead letters of a reason.

    Attributes:
        count: how many there are.
        replayed: how many of them were replayed.
        forgotten: how many of them are of people who are forgotten, and cannot be read any more.
        first_ms, last_ms: when the first and the last was given up, Unix milliseconds.
    """

    first_ms: int
    last_ms: int
    count: int = 0
    replayed: int = 0
    forgotten: int = 0


async def count_by_reason(kafka: KafkaConfig, opener: Opener) -> dict[str, ReasonCount]:
    """The dead letters that are there now, by reason, the most frequent first.

    Args:
        kafka: where it is, and who asks.
        opener: tells which are of people who are forgotten.

    Raises:
        KafkaUnavailable: Kafka does not answer.
    """
    marks = await ReplayMarks.load(kafka)
    counts: dict[str, ReasonCount] = {}
    async with aclosing(read_dead_letters(kafka)) as letters:
        async for letter in letters:
            entry = counts.setdefault(letter.reason, ReasonCount(letter.time_ms, letter.time_ms))
            entry.count += 1
            entry.replayed += marks.covers(letter)
            entry.forgotten += (await opener(letter)).state == "forgotten"
            entry.first_ms = min(entry.first_ms, letter.time_ms)
            entry.last_ms = max(entry.last_ms, letter.time_ms)
    return dict(sorted(counts.items(), key=lambda item: -item[1].count))
