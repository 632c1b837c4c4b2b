"""From a message to an event, and from a product event to a change that can be merged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from indexer.records import EventStamp, ProductChange
from streams.delivery.messages import Message
from streams.delivery.retry_headers import first_arrival_ms
from streams.errors import InvalidEvent
from streams.events.cloudevents import decode_event
from streams.events.schema import DeletedProduct, Event, Media, Product

MEDIA_FIELDS = ("images", "videos", "audios")


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far from now an event's time may lie and still be ordered safely against tombstones."""

    past_s: float = 30 * 86_400
    future_s: float = 300


def decode_message(message: Message, horizon: Horizon, now: Callable[[], float] = time.time) -> Event:
    """Decode a message into an event within the horizon.

    Raises:
        InvalidEvent: it can never be processed.
    """
    try:
        event = decode_event(message.topic, message.value, message.headers, first_arrival_ms(message))
    except (OverflowError, ValueError) as error:
        # Times at the very edge of the calendar, which no clock of ours can hold.
        raise InvalidEvent("invalid", f"a time is out of range: {error}") from error
    age_s = now() - event.time_ms / 1000
    if age_s > horizon.past_s:
        raise InvalidEvent("too_old", f"the event is {age_s:.0f} s old, at most {horizon.past_s:.0f} s can be ordered")
    if -age_s > horizon.future_s:
        raise InvalidEvent("from_future", f"the event is {-age_s:.0f} s ahead, at most {horizon.future_s:.0f} s may be")
    return event


def inline_media(event: Event) -> list[bytes]:
    """The media that a product event carries itself, in their order."""
    lists = (getattr(event.data, name) for name in MEDIA_FIELDS) if isinstance(event.data, Product) else ()
    return [one.data for some in lists if some for one in some if one.data is not None]


def to_product_change(event: Event, hashes: Iterable[str]) -> ProductChange:
    """The change a product event makes.

    Args:
        event: what happened.
        hashes: of its `inline_media`, which are referred to by them.
    """
    data = event.data
    if not isinstance(data, Product | DeletedProduct):
        raise TypeError(f"{event.type} is no product event")
    version = data.version if isinstance(data.version, int) else event.time_ms
    fields: dict[str, Any] = {}
    names = iter(hashes)
    if isinstance(data, Product):
        fields = {name: getattr(data, name) for name in _FIELDS if getattr(data, name) is not msgspec.UNSET}
        for name in MEDIA_FIELDS:
            if fields.get(name):
                fields[name] = [_reference(one, names) for one in fields[name]]
    return ProductChange(
        product_id=data.product_id,
        stamp=EventStamp(version, event.source, event.id),
        fields=msgspec.to_builtins(fields),
        replaces_all_fields=event.type != "product.updated",
        deletes=event.type == "product.deleted",
    )


def _reference(one: Media, hashes: Iterator[str]) -> dict[str, str]:
    if one.data is not None:
        return {"hash": next(hashes)}
    return {"url": one.url or ""}


_FIELDS = tuple(name for name in Product.__struct_fields__ if name not in ("product_id", "version"))
