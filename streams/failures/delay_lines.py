"""Delay lines: topics on which a message waits before it is tried again.

A line is a first-in-first-out queue with one delay, so only its head has to be watched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import GENERATION_HEADER, attempt_number, origin_of, producer_headers
from streams.events.schema import MAX_MESSAGE_BYTES


@dataclass(frozen=True, slots=True)
class DelayLine:
    """A topic whose messages are due a fixed time after Kafka took them."""

    topic: str
    delay_s: float


DELAY_LINES = (
    DelayLine("vitrine.retry.1s", 1.0),
    DelayLine("vitrine.retry.10s", 10.0),
    DelayLine("vitrine.retry.1m", 60.0),
    DelayLine("vitrine.retry.10m", 600.0),
    DelayLine("vitrine.retry.1h", 3600.0),
)


def next_retry(
    message: Message, generation: str = "", lines: Sequence[DelayLine] = DELAY_LINES
) -> OutgoingMessage | None:
    """The message on the line of its next attempt; None when it is to be a dead letter.

    That is after the last attempt, and at once for a message that is too large to be published again.

    Args:
        message: what to try again.
        generation: of the index, whose workers are to decide about the attempt after that.
        lines: the delay lines, in the order of the attempts.
    """
    tried = attempt_number(message) or 0
    if tried >= len(lines) or _size(message) > MAX_MESSAGE_BYTES:
        return None
    headers = producer_headers(message) | origin_of(message).headers(tried + 1)
    if generation:
        headers[GENERATION_HEADER] = generation.encode()
    return OutgoingMessage(lines[tried].topic, message.key, message.value, headers)


def _size(message: Message) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in message.headers.items())
    return len(message.key or b"") + len(message.value or b"") + headers
