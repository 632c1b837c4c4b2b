"""Ingest: the messages of a batch are decoded into changes that can be merged, and their inline media are stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from indexer.media_store import MediaStore
from indexer.records import ProductChange
from indexer.slices import map_in_slices
from streams.delivery.availability import until_available
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


async def ingest(batch: Sequence[Message], media: MediaStore, horizon: Horizon) -> IngestedBatch:
    """Decode product messages and store their inline media durably, however long the media store is away."""
    events: list[IngestedEvent] = []
    rejected: list[RejectedMessage] = []

    async def ingest_part(messages: Sequence[Message]) -> None:
        decoded, invalid = await _decode(messages, horizon)
        files = [inline_media(event) for _, event in decoded]
        hashes = iter(await _store_files([data for event_files in files for data in event_files], media))
        # In the order of the files: each event takes the hashes of its own.
        events.extend(await map_in_slices(lambda one: _ingested(*one, hashes), decoded))
        rejected.extend(invalid)

    failed = await bisect(batch, ingest_part)
    rejected += [reject_failed(message, error) for message, error in failed]
    return IngestedBatch(events, rejected)


async def _decode(
    messages: Sequence[Message], horizon: Horizon
) -> tuple[list[tuple[Message, Event]], list[RejectedMessage]]:
    def decode(message: Message) -> tuple[Message, Event] | RejectedMessage:
        try:
            return message, decode_message(message, horizon)
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


async def _store_files(files: Sequence[bytes], media: MediaStore) -> Sequence[str]:
    """The files' hashes."""
    return await until_available("media", lambda: media.put(files)) if files else ()


def _ingested(message: Message, event: Event, hashes: Iterable[str]) -> IngestedEvent:
    change = to_product_change(event, hashes)
    return IngestedEvent(message, change.product_id, change, event.time_ms, attempt_number(message))
