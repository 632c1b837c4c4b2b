"""Rows of shoppers' events: of columns as click logs have them, or CloudEvents envelopes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from streams.events.cloudevents import decode_event, encode_event
from streams.events.schema import INTERACTIONS, MAX_MESSAGE_BYTES, TYPES_BY_TOPIC
from streams.files.columns import cells
from streams.files.columns.fields import user_fields
from streams.files.conventions.dates import read_time
from streams.files.prepared_events import (
    MAX_EVENT_BYTES,
    TOPICS,
    EventClock,
    PreparedEvent,
    prepared_event,
    prepared_events,
)
from streams.files.rows import RejectedRow, Row

EVENT_TYPE_WORDS: Mapping[str, str] = {
    **{word: f"user.{kind}" for kind in INTERACTIONS for word in (kind, kind.removesuffix("ed"))},
    **dict.fromkeys(("like", "favorite", "favourite", "wishlist"), "user.liked"),
    **dict.fromkeys(("purchase", "buy", "order", "ordered", "transaction"), "user.purchased"),
    **dict.fromkeys(("add_to_cart", "addtocart", "cart", "basket"), "user.carted"),
    **dict.fromkeys(("search", "searched"), "user.searched"),
    **dict.fromkeys(("profile", "profiled"), "user.profiled"),
    **dict.fromkeys(("identify", "identified", "login"), "user.identified"),
}
"""Words of click logs for event types."""


def shopper_events(
    rows: Iterable[Row | RejectedRow], renames: Mapping[str, str], clock: EventClock
) -> Iterator[PreparedEvent | RejectedRow]:
    """An event for each row: a CloudEvents envelope as it is, or one of columns: type, user_id, product_id, time, …"""
    return prepared_events(
        rows, lambda row: _envelope(row, clock) if "specversion" in row.cells else _shopper(row, renames, clock)
    )


def _shopper(row: Row, renames: Mapping[str, str], clock: EventClock) -> PreparedEvent:
    fields, others = user_fields(row.cells, renames)
    kind = _event_type(fields)
    wanted = TYPES_BY_TOPIC[TOPICS[kind]][kind]
    if TOPICS[kind] != TOPICS["user.viewed"]:
        raise ValueError(f"{kind} is no shopper's event; publish it as a CloudEvents line, or with `publish products`")
    known = {name: fields[name] for name in wanted.__struct_fields__ if name in fields}
    if "traits" in wanted.__struct_fields__ and "traits" not in known:
        known["traits"] = {name: cells.as_text(cell) for name, cell in others.items()}
    for name in known.keys() & {"user_id", "anonymous_id", "product_id", "session_id", "query_id", "query"}:
        known[name] = cells.as_text(known[name])
    if "position" in known:
        known["position"] = cells.as_count(known["position"])
    if "learning" in known:
        known["learning"] = cells.as_bool(known["learning"])
    data = msgspec.convert(known, wanted)
    time_ms = (
        int(read_time(fields["time"]).timestamp() * 1000) if "time" in fields else clock.next_time_ms(data.user_id)
    )
    return prepared_event(row, kind, data, time_ms, cells.as_text(fields["id"]) if "id" in fields else None)


def _event_type(fields: Mapping[str, Any]) -> str:
    if "type" not in fields:
        raise ValueError("no type; name its column with --map type=COLUMN")
    word = cells.as_text(fields["type"])
    plain = word.lower().replace("-", "_").replace(" ", "_")
    kind = plain if plain in TOPICS else EVENT_TYPE_WORDS.get(plain)
    if kind is None:
        raise ValueError(f"type {word[:60]!r} is none of {', '.join(TYPES_BY_TOPIC[TOPICS['user.viewed']])}")
    return kind


def _envelope(row: Row, clock: EventClock) -> PreparedEvent:
    kind = row.cells.get("type")
    topic = TOPICS.get(kind) if isinstance(kind, str) else None
    if topic is None:
        raise ValueError(f"type {kind!r:.60} is none of {', '.join(TOPICS)}")
    event = decode_event(topic, msgspec.json.encode(row.cells), {}, clock.next_time_ms(""))
    if len(encode_event(event)) > MAX_EVENT_BYTES:
        raise ValueError(f"over the {MAX_MESSAGE_BYTES:,} bytes of a message")
    return PreparedEvent(topic, event, row.line, row.fraction_read)
