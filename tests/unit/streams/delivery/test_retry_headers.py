"""Retry headers: what a message remembers of its way."""

from __future__ import annotations

import pytest

from streams.delivery.retry_headers import (
    Origin,
    attempt_number,
    first_arrival_ms,
    is_retry,
    origin_from_headers,
    origin_of,
    producer_headers,
)
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.failures.delay_lines import DELAY_LINES, next_retry
from tests.unit.streams.retried_messages import PRODUCER_HEADERS, come_back, message, retries_of


def test_it_stays_as_it_was_and_knows_where_and_when_it_first_arrived():
    for retry in retries_of(message()):
        again = come_back(retry, offset=7)
        assert (retry.key, retry.value, producer_headers(again)) == (b"k", b"v", PRODUCER_HEADERS)
        assert origin_of(again) == Origin(PRODUCT_EVENTS, 3, 42, 1_000)
        assert first_arrival_ms(again) == 1_000


def test_an_ordinary_event_asks_for_nothing_and_a_replayed_one_starts_over():
    replayed = message(PRODUCER_HEADERS | Origin(USER_EVENTS, 1, 2, None).headers(0))
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
