"""Delay lines: which one is next, and what a message remembers of its way."""

from __future__ import annotations

import pytest

from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import (
    Origin,
    attempt_number,
    first_arrival_ms,
    is_retry,
    origin_from_headers,
    origin_of,
    producer_headers,
)
from streams.errors import InvalidEvent
from streams.events.schema import MAX_MESSAGE_BYTES, PRODUCT_EVENTS, USER_EVENTS
from streams.failures.dead_letters import REASON_GUIDES, build_dead_letter, known_reason
from streams.failures.delay_lines import DELAY_LINES, next_retry

OWN = {"ce_type": b"product.created", "trace": b"\xff"}


def message(headers: dict[str, bytes] = OWN, **fields: object) -> Message:
    place = {"topic": PRODUCT_EVENTS, "partition": 3, "offset": 42, "timestamp_ms": 1_000}
    content = {"key": b"k", "value": b"v", "headers": headers, "ack": lambda: None}
    return Message(**(place | content | fields))  # pyright: ignore[reportArgumentType]


def back(outgoing: OutgoingMessage, **fields: object) -> Message:
    """What was put on a line, as it comes back to its topic."""
    return message(
        dict(outgoing.headers), **({"key": outgoing.key, "value": outgoing.value, "timestamp_ms": 9_000} | fields)
    )


def way_of(first: Message) -> list[OutgoingMessage]:
    way = []
    while again := next_retry(first):
        way.append(again)
        first = back(again, offset=100 + len(way))
    return way


def test_a_message_takes_every_line_in_turn_and_then_none():
    way = way_of(message())
    assert [one.topic for one in way] == [line.topic for line in DELAY_LINES]
    assert [attempt_number(back(one)) for one in way] == [1, 2, 3, 4, 5]


def test_it_stays_as_it_was_and_knows_where_and_when_it_first_arrived():
    for one in way_of(message()):
        again = back(one, offset=7)
        assert (one.key, one.value, producer_headers(again)) == (b"k", b"v", OWN)
        assert origin_of(again) == Origin(PRODUCT_EVENTS, 3, 42, 1_000)
        assert first_arrival_ms(again) == 1_000


def test_an_ordinary_event_asks_for_nothing_and_a_replayed_one_starts_over():
    replayed = message(OWN | Origin(USER_EVENTS, 1, 2, None).headers(0))
    assert (attempt_number(message()), is_retry(message())) == (None, False)
    assert (attempt_number(replayed), is_retry(replayed)) == (0, True)
    again = next_retry(replayed)
    assert again and again.topic == DELAY_LINES[0].topic
    assert origin_from_headers(again.headers) == Origin(USER_EVENTS, 1, 2, None)
    assert first_arrival_ms(replayed) == 1_000


@pytest.mark.parametrize("header", [b"", b"-1", b"1.0", b"\xb2", b"one", b"9" * 5_000])
def test_a_header_that_is_no_number_makes_no_attempt(header):
    assert attempt_number(message({"vitrine_attempt": header})) is None
    assert origin_from_headers({"vitrine_topic": PRODUCT_EVENTS.encode(), "vitrine_partition": header}) is None


def test_a_producer_cannot_send_a_message_elsewhere_by_its_headers():
    forged = message({"vitrine_attempt": b"0"} | Origin("vitrine.dead-letter", 0, 0, 0).headers(1))
    assert origin_of(forged) == Origin(PRODUCT_EVENTS, 3, 42, 1_000)
    assert origin_of(message(Origin(USER_EVENTS, 0, 0, 0).headers(1) | {"vitrine_attempt": b"x"})).offset == 42


def test_a_message_too_large_to_be_published_again_is_not_tried_again():
    assert next_retry(message(value=b"x" * (MAX_MESSAGE_BYTES - 100)))
    assert next_retry(message(value=b"x" * MAX_MESSAGE_BYTES)) is None


@pytest.mark.parametrize("tried", range(6))
def test_a_dead_letter_shows_the_first_arrival_and_only_the_producers_headers(tried):
    first = message()
    last = ([first] + [back(one, offset=900, partition=5) for one in way_of(first)])[tried]
    letter = build_dead_letter(last, InvalidEvent("unreachable_image", "gone"))
    assert (letter.key, letter.value) == (b"k", b"v")
    assert {name for name in letter.headers if not name.startswith("vitrine_")} == OWN.keys()
    assert "vitrine_attempt" not in letter.headers
    assert origin_from_headers(letter.headers) == Origin(PRODUCT_EVENTS, 3, 42, 1_000)


def test_a_message_of_nothing_makes_a_dead_letter_that_kafka_takes():
    letter = build_dead_letter(message(key=None, value=None), InvalidEvent("undecodable", "no value"))
    assert (letter.key, letter.value) == (None, b"")
    assert build_dead_letter(message(value=None), InvalidEvent("undecodable", "no value")).value is None


def test_every_reason_has_a_meaning():
    assert {one for one in REASON_GUIDES if known_reason(one) == one} == set(REASON_GUIDES)
    assert known_reason("no such reason") == "unknown"
