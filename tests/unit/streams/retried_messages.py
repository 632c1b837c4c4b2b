"""Messages, and the same messages as they come back from a delay line."""

from __future__ import annotations

from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage
from streams.events.schema import PRODUCT_EVENTS
from streams.failures.delay_lines import next_retry

PRODUCER_HEADERS = {"ce_type": b"product.created", "trace": b"\xff"}


def message(headers: dict[str, bytes] = PRODUCER_HEADERS, **fields: object) -> Message:
    place = {"topic": PRODUCT_EVENTS, "partition": 3, "offset": 42, "timestamp_ms": 1_000}
    content = {"key": b"k", "value": b"v", "headers": headers, "ack": lambda: None}
    return Message(**(place | content | fields))  # pyright: ignore[reportArgumentType]


def come_back(outgoing: OutgoingMessage, **fields: object) -> Message:
    """What was put on a line, as it comes back to its topic."""
    return message(
        dict(outgoing.headers), **({"key": outgoing.key, "value": outgoing.value, "timestamp_ms": 9_000} | fields)
    )


def retries_of(message: Message) -> list[OutgoingMessage]:
    """A message on each of the delay lines that it takes one after the other."""
    retries: list[OutgoingMessage] = []
    while retry := next_retry(message):
        retries.append(retry)
        message = come_back(retry, offset=100 + len(retries))
    return retries
