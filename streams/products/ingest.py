"""Ingest: the messages of a batch are decoded into changes that can be merged, and their inline media are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from indexer.media.store import media_hash
from indexer.records import ProductChange
from indexer.slices import map_in_slices
from streams.delivery.bisecting import bisect, reject_failed
from streams.delivery.decoding import Horizon, decode_message
from streams.delivery.messages import Message, RejectedMessage
from streams.delivery.retry_headers import attempt_number
from streams.errors import InvalidEvent
from streams.events.schema import Event
from streams.products.changes import inline_media, to_product_change


@dataclass(frozen=True, slots=True)
class IngestedEvent:
    """A product event that is understood."""

    message: Message
    product_id: str
    change: ProductChange
    time_ms: int
    """When it happened, by its own account, Unix milliseconds."""
    attempt: int | None
    """As `attempt_number` of the message: None where it is there for the first time."""


@dataclass(frozen=True, slots=True)
class IngestedBatch:
    """What the messages of a batch are."""

    events: Sequence[IngestedEvent]
    """In the order of their messages."""
    rejected: Sequence[RejectedMessage]
    """Messages that can never be processed."""
    files: Mapping[str, bytes]
    """The media that the events carry, by the hash of their bytes."""


async def ingest(batch: Sequence[Message], horizon: Horizon, tombstones_delete: bool = True) -> IngestedBatch:
    """Decode product messages, as `decode_message` does, and hash the media that they carry."""
    files: dict[str, bytes] = {}
    events: list[IngestedEvent] = []
    rejected: list[RejectedMessage] = []

    async def ingest_part(messages: Sequence[Message]) -> None:
        decoded, invalid = await _decode(messages, horizon, tombstones_delete)
        events.extend(await map_in_slices(lambda one: _ingested(*one, files), decoded))
        rejected.extend(invalid)

    failed = await bisect(batch, ingest_part)
    rejected += [reject_failed(message, error) for message, error in failed]
    return IngestedBatch(events, rejected, files)


async def _decode(
    messages: Sequence[Message], horizon: Horizon, tombstones_delete: bool
) -> tuple[list[tuple[Message, Event]], list[RejectedMessage]]:
    def decode(message: Message) -> tuple[Message, Event] | RejectedMessage:
        try:
            return message, decode_message(message, horizon, tombstones_delete=tombstones_delete)
        except InvalidEvent as fault:
            return RejectedMessage(message, fault)

    events: list[tuple[Message, Event]] = []
    rejected: list[RejectedMessage] = []
    for outcome in await map_in_slices(decode, messages):
        if isinstance(outcome, RejectedMessage):
            rejected.append(outcome)
        else:
            events.append(outcome)
    return events, rejected


def _ingested(message: Message, event: Event, files: dict[str, bytes]) -> IngestedEvent:
    """Args: files: the event's own are added to them."""
    own = [(media_hash(data), data) for data in inline_media(event)]
    files.update(own)
    change = to_product_change(event, [digest for digest, _ in own])
    return IngestedEvent(message, change.product_id, change, event.time_ms, attempt_number(message))
