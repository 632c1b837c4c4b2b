"""From messages to changes: decoded, within the horizon, their inline media put away."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from indexer.media_store import MediaStore
from indexer.records import ProductChange
from streams.delivery.availability import until_available
from streams.delivery.decoding import Horizon, decode_message, inline_media, to_product_change
from streams.delivery.messages import Message
from streams.errors import InvalidEvent
from streams.events.schema import Event

log = logging.getLogger(__name__)

RejectedMessage = tuple[Message, InvalidEvent]


@dataclass(frozen=True, slots=True)
class IngestedEvent:
    """A message that is understood."""

    message: Message
    change: ProductChange
    time_ms: int
    """When the event happened, by its own account, Unix milliseconds."""

    @property
    def product_id(self) -> str:
        """The product that it is about."""
        return self.change.product_id


async def ingest(
    batch: Sequence[Message], media: MediaStore, horizon: Horizon
) -> tuple[list[IngestedEvent], list[RejectedMessage]]:
    """Decode a batch of product messages; what can never be processed is refused, with the reason why.

    A message that breaks the program itself is found by bisection: it must not end the worker again and again.
    """
    try:
        return await _ingest(batch, media, horizon)
    except Exception as error:
        if len(batch) == 1:
            log.exception("event_failed", extra={"offset": batch[0].offset})
            return [], [(batch[0], InvalidEvent("internal", f"{type(error).__name__}: {error}"))]
        middle = len(batch) // 2
        halves = [await ingest(half, media, horizon) for half in (batch[:middle], batch[middle:])]
        return [one for accepted, _ in halves for one in accepted], [one for _, refused in halves for one in refused]


async def _ingest(
    batch: Sequence[Message], media: MediaStore, horizon: Horizon
) -> tuple[list[IngestedEvent], list[RejectedMessage]]:
    events: list[tuple[Message, Event]] = []
    refused: list[RejectedMessage] = []
    for message in batch:
        try:
            events.append((message, decode_message(message, horizon)))
        except InvalidEvent as fault:
            refused.append((message, fault))
    files = [inline_media(event) for _, event in events]
    hashes = await _store_files([data for some in files for data in some], media)
    accepted = [
        IngestedEvent(message, to_product_change(event, islice(hashes, len(some))), event.time_ms)
        for (message, event), some in zip(events, files, strict=True)
    ]
    return accepted, refused


async def _store_files(files: Sequence[bytes], media: MediaStore) -> Iterator[str]:
    return iter(await until_available("media", lambda: media.put(files)) if files else ())
