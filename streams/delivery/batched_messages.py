"""A message in batch mode as messages of its own events, each with the key that keeps its product's order."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import producer_headers
from streams.events.cloudevents import EVENT_CONTENT, batched_events

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def unbatched(message: Message) -> list[OutgoingMessage] | None:
    """The messages that stand for a batch on its own topic; None: it is no batch.

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
    return [
        OutgoingMessage(message.topic, key or message.key, _timed(event, message.timestamp_ms), headers)
        for key, event in events
    ]


def _timed(event: bytes, timestamp_ms: int) -> bytes:
    if timestamp_ms <= 0:
        return event
    try:
        members = _members.decode(event)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return event
    if "time" in members:
        return event
    time = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    return msgspec.json.encode({**members, "time": time})
