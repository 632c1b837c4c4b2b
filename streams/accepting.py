"""From messages to changes: decoded, within the horizon, their inline media put away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.media import MediaStore
from indexer.records import ProductChange
from streams.decoding import Horizon, decode_message, to_change
from streams.errors import InvalidEvent
from streams.messages import Message
from streams.retrying import until_available

log = logging.getLogger(__name__)

Refused = tuple[Message, InvalidEvent]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that is understood."""

    message: Message
    change: ProductChange
    time_ms: int
    """When the event happened, by its own account, Unix milliseconds."""

    @property
    def product_id(self) -> str:
        """The product that it is about."""
        return self.change.product_id


async def accept(
    batch: Sequence[Message], media: MediaStore, horizon: Horizon
) -> tuple[list[Accepted], list[Refused]]:
    """Decode a batch of product messages; what can never be processed is refused, with the reason why."""
    results = await asyncio.gather(*(_accept(message, media, horizon) for message in batch))
    refused = [(message, fault) for message, fault in zip(batch, results, strict=True) if isinstance(fault, InvalidEvent)]
    return [one for one in results if isinstance(one, Accepted)], refused


async def _accept(message: Message, media: MediaStore, horizon: Horizon) -> Accepted | InvalidEvent:
    try:
        event = decode_message(message, horizon)
        change = await until_available("media", lambda: to_change(event, media))
        return Accepted(message, change, event.time_ms)
    except InvalidEvent as fault:
        return fault
    except Exception as error:
        # Whatever it is about this event, it must not stop its partition by ending the worker again and again.
        log.exception("event_failed", extra={"offset": message.offset})
        return InvalidEvent("internal", f"{type(error).__name__}: {error}")
