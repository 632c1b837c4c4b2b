"""What a replay remembers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.delivery.retry_headers import origin_from_headers
from streams.errors import InvalidEvent
from streams.events.schema import PRODUCT_EVENTS
from streams.failures.dead_letter_reader import DeadLetter, DeadLetterPosition
from streams.failures.dead_letter_replay import to_replay_message
from streams.failures.replay_marks import ReplayMarks


def letter(offset: int, reason: str = "invalid", partition: int = 0, timestamp_ms: int | None = None) -> DeadLetter:
    place = DeadLetterPosition(partition, offset, 1_000 + offset if timestamp_ms is None else timestamp_ms)
    return DeadLetter(reason, "why", PRODUCT_EVENTS, 3, 42, 77, 0, b"k", b"v", {"own": b"1"}, place)


def test_a_mark_covers_its_reason_and_partition_up_to_where_it_is():
    marks = ReplayMarks()
    marks.mark_replayed(letter(5))
    assert marks.covers(letter(5)) and marks.covers(letter(0))
    assert not marks.covers(letter(6))
    assert not marks.covers(letter(5, reason="too_old")) and not marks.covers(letter(5, partition=1))


def test_letters_of_a_topic_that_was_created_again_are_new():
    marks = ReplayMarks()
    marks.mark_replayed(letter(500))
    assert not marks.covers(letter(0, timestamp_ms=9_000))
    marks.mark_replayed(letter(0, timestamp_ms=9_000))
    assert marks.covers(letter(0, timestamp_ms=9_000)) and not marks.covers(letter(1, timestamp_ms=9_001))


@given(st.lists(st.integers(0, 50), min_size=1))
def test_replaying_again_takes_nothing_back(offsets: list[int]):
    marks = ReplayMarks()
    for offset in offsets:
        marks.mark_replayed(letter(offset))
    assert all(marks.covers(letter(offset)) for offset in range(max(offsets) + 1))
    assert not marks.covers(letter(max(offsets) + 1))


def test_what_is_saved_is_saved_once():
    marks = ReplayMarks()
    marks.mark_replayed(letter(1))
    marks.mark_replayed(letter(2, reason="internal"))
    assert [mark.key for mark in marks.take_unsaved()] == [b"internal", b"invalid"]
    assert marks.take_unsaved() == []


def test_a_letter_goes_back_with_its_origin_and_a_fresh_start():
    again = to_replay_message(letter(9))
    assert (again.topic, again.partition, again.key, again.value) == (PRODUCT_EVENTS, 3, b"k", b"v")
    assert again.headers["vitrine_attempt"] == b"0" and again.headers["own"] == b"1"
    first = origin_from_headers(again.headers)
    assert first and (first.partition, first.offset, first.timestamp_ms) == (3, 42, 77)


@pytest.mark.parametrize("lost", [{"topic": ""}, {"topic": "vitrine.dead-letter"}, {"partition": -1}, {"offset": -1}])
def test_a_letter_that_does_not_say_where_it_came_from_goes_nowhere(lost: dict[str, str]):
    with pytest.raises(InvalidEvent, match="which event topic"):
        to_replay_message(replace(letter(9), **lost))
