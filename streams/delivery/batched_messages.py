"""A message in batch mode as messages of its own events, each with the key that keeps its product's order."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import producer_headers
from streams.events.cloudevents import EVENT_CONTENT, batched_events
from streams.events.schema import MAX_MESSAGE_BYTES

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NULL = b"null"


def unbatched(message: Message) -> list[OutgoingMessage] | None:
    """The messages that stand for a batch on its own topic; None: it is no batch, or one that is refused.

    Once they are published durably, the batch may be acknowledged: each of its events is then acknowledged, or a dead
    letter, by itself. Its products may belong to the partitions of other workers, and one owner writes a product. A
    crash in between publishes them again, which changes nothing. One that states no time is as old as the batch.
    """
    if message.value is None:
        return None
    events = batched_events(message.topic, message.value, message.headers)
    if events is None:
        return None
    headers = producer_headers(message) | {"content-type": f"{EVENT_CONTENT}+json".encode()}
    parts = [
        OutgoingMessage(message.topic, key or message.key, _timed(event, message.timestamp_ms), headers)
        for key, event in events
    ]
    # What no topic takes would be tried for ever.
    return None if any(len(part.value or b"") > MAX_MESSAGE_BYTES for part in parts) else parts


def _timed(event: bytes, timestamp_ms: int) -> bytes:
    if timestamp_ms <= 0:
        return event
    try:
        members = _members.decode(event)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return event
    if bytes(members.get("time", _NULL)) != _NULL:
        return event
    time = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    return msgspec.json.encode({**members, "time": time})
