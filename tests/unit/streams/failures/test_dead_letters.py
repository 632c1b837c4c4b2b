"""Dead letters: what they keep of a message that cannot be processed."""

from __future__ import annotations

import pytest

from streams.delivery.retry_headers import Origin, origin_from_headers
from streams.errors import InvalidEvent
from streams.events.schema import PRODUCT_EVENTS
from streams.failures.dead_letters import REASON_GUIDES, build_dead_letter, known_reason
from tests.unit.streams.retried_messages import PRODUCER_HEADERS, come_back, message, retries_of


@pytest.mark.parametrize("tried", range(6))
def test_a_dead_letter_shows_the_first_arrival_and_only_the_producers_headers(tried):
    first = message()
    last = ([first] + [come_back(retry, offset=900, partition=5) for retry in retries_of(first)])[tried]
    letter = build_dead_letter(last, InvalidEvent("unreachable_image", "gone"))
    assert (letter.key, letter.value) == (b"k", b"v")
    assert {name for name in letter.headers if not name.startswith("vitrine_")} == PRODUCER_HEADERS.keys()
    assert "vitrine_attempt" not in letter.headers
    assert origin_from_headers(letter.headers) == Origin(PRODUCT_EVENTS, 3, 42, 1_000)


def test_a_message_of_nothing_makes_a_dead_letter_that_kafka_takes():
    letter = build_dead_letter(message(key=None, value=None), InvalidEvent("undecodable", "no value"))
    assert (letter.key, letter.value) == (None, b"")
    assert build_dead_letter(message(value=None), InvalidEvent("undecodable", "no value")).value is None


def test_every_reason_has_a_meaning():
    assert {reason for reason in REASON_GUIDES if known_reason(reason) == reason} == set(REASON_GUIDES)
    assert known_reason("no such reason") == "unknown"
