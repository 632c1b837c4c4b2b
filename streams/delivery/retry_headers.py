"""What a message that is tried again remembers of its way, in headers: the attempt, and where it first arrived.

The producer's own key, value and headers stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.delivery.messages import Message
from streams.events.schema import TYPES_BY_TOPIC

ATTEMPT_HEADER = "vitrine_attempt"
TOPIC_HEADER = "vitrine_topic"
PARTITION_HEADER = "vitrine_partition"
OFFSET_HEADER = "vitrine_offset"
TIMESTAMP_HEADER = "vitrine_timestamp"
GENERATION_HEADER = "vitrine_generation"
RELABEL_HEADER = "vitrine_relabel"
"""On an event that has its product compared with others again."""
RETRY_HEADERS = frozenset(
    (ATTEMPT_HEADER, TOPIC_HEADER, PARTITION_HEADER, OFFSET_HEADER, TIMESTAMP_HEADER, GENERATION_HEADER, RELABEL_HEADER)
)
"""Headers that are ours, not the producer's."""
MAX_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Origin:
    """Where and when a message first arrived."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    """When Kafka took it, Unix milliseconds; None: it is not known any more."""

    def headers(self, attempt: int | None = None) -> dict[str, bytes]:
        """What a message carries beside the producer's headers, as an attempt at it or otherwise."""
        notes = {
            TOPIC_HEADER: self.topic,
            PARTITION_HEADER: self.partition,
            OFFSET_HEADER: self.offset,
            TIMESTAMP_HEADER: self.timestamp_ms,
        }
        notes[ATTEMPT_HEADER] = attempt
        return {name: str(note).encode() for name, note in notes.items() if note is not None}


def attempt_number(message: Message) -> int | None:
    """Which attempt a message is: None for an ordinary event, 0 for a replayed one, n for one off the n-th line."""
    return _number(message.headers.get(ATTEMPT_HEADER))


def is_retry(message: Message) -> bool:
    """Whether a message is there to have something tried again."""
    return attempt_number(message) is not None


def is_for_generation(message: Message, generation: str) -> bool:
    """Whether a message is on its first way, or on its way again because of this generation of the index."""
    return message.headers.get(GENERATION_HEADER, generation.encode()) == generation.encode()


def origin_of(message: Message) -> Origin:
    """Where and when a message first arrived, however often it was published again since."""
    return (is_retry(message) and origin_from_headers(message.headers)) or Origin(
        message.topic, message.partition, message.offset, message.timestamp_ms
    )


def origin_from_headers(headers: Mapping[str, bytes]) -> Origin | None:
    """The origin that headers tell of; None when they tell of none, or of a topic that events do not come from."""
    topic = (headers.get(TOPIC_HEADER) or b"").decode(errors="replace")
    partition, offset = _number(headers.get(PARTITION_HEADER)), _number(headers.get(OFFSET_HEADER))
    if topic not in TYPES_BY_TOPIC or partition is None or offset is None:
        return None
    return Origin(topic, partition, offset, _number(headers.get(TIMESTAMP_HEADER)))


def first_arrival_ms(message: Message) -> int:
    """When Kafka first took a message: the time of an event that states none, so that a retry does not make it newer.

    Returns:
        Unix milliseconds.
    """
    first = origin_of(message).timestamp_ms if is_retry(message) else None
    return message.timestamp_ms if first is None else first


def producer_headers(message: Message) -> dict[str, bytes]:
    """The headers that the producer gave a message."""
    if not is_retry(message):
        return dict(message.headers)
    return {name: value for name, value in message.headers.items() if name not in RETRY_HEADERS}


def _number(header: bytes | None) -> int | None:
    return int(header) if header and header.isdigit() and len(header) <= MAX_DIGITS else None
