"""Delay lines: which one is next."""

from __future__ import annotations

from streams.delivery.retry_headers import attempt_number
from streams.events.schema import MAX_MESSAGE_BYTES
from streams.failures.delay_lines import DELAY_LINES, next_retry
from tests.unit.streams.retried_messages import come_back, message, retries_of


def test_a_message_takes_every_line_in_turn_and_then_none():
    retries = retries_of(message())
    assert [retry.topic for retry in retries] == [line.topic for line in DELAY_LINES]
    assert [attempt_number(come_back(retry)) for retry in retries] == [1, 2, 3, 4, 5]


def test_a_message_too_large_to_be_published_again_is_not_tried_again():
    assert next_retry(message(value=b"x" * (MAX_MESSAGE_BYTES - 100)))
    assert next_retry(message(value=b"x" * MAX_MESSAGE_BYTES)) is None
