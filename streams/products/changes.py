"""From a product event to a change that can be merged into what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from indexer.media.keys import MEDIA_FIELDS
from indexer.plain_text import plain_fields
from indexer.records import EventStamp, ProductChange
from streams.events.schema import DeletedProduct, Event, Media, Product

_FIELDS = tuple(name for name in Product.__struct_fields__ if name not in ("product_id", "version"))


def inline_media(event: Event) -> list[bytes]:
    """The files that a product event carries itself, in their order."""
    if not isinstance(event.data, Product):
        return []
    lists = (getattr(event.data, name) for name in MEDIA_FIELDS)
    return [media.data for media_list in lists if media_list for media in media_list if media.data is not None]


def to_product_change(event: Event, hashes: Iterable[str]) -> ProductChange:
    """The change that a product event makes: here its texts lose their markup, whatever way it came.

    Args:
        event: what happened.
        hashes: of the event's `inline_media`, by which the change refers to them; no more than these are taken.

    Raises:
        TypeError: it is no product event.
    """
    data = event.data
    if not isinstance(data, Product | DeletedProduct):
        raise TypeError(f"{event.type} is no product event")
    return ProductChange(
        product_id=data.product_id,
        stamp=EventStamp(data.version if isinstance(data.version, int) else event.time_ms, event.source, event.id),
        fields=plain_fields(msgspec.to_builtins(_fields(data, iter(hashes)))) if isinstance(data, Product) else {},
        replaces_all_fields=event.type != "product.updated",
        deletes=event.type == "product.deleted",
    )


def _fields(product: Product, hashes: Iterator[str]) -> dict[str, Any]:
    """The fields that an event sets, its media as references."""
    fields = {name: value for name in _FIELDS if (value := getattr(product, name)) is not msgspec.UNSET}
    for name in MEDIA_FIELDS:
        if fields.get(name):
            fields[name] = [_reference(media, hashes) for media in fields[name]]
    return fields


def _reference(media: Media, hashes: Iterator[str]) -> dict[str, str]:
    return {"hash": next(hashes)} if media.data is not None else {"url": media.url or ""}
