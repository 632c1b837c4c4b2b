"""Rows as events: what `vitrine publish` sends, free of Kafka.

A product row is a `product.created`. Its version is the row's `version`, else the event's time; that time is now, and
later for each further row of the same product, so the last row of a file wins. Publishing a file again is safe: it
states the same anew. An event's id is a hash of what it says and when, so a row that carries its
own time or version is the same event each time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from streams.errors import InvalidEvent
from streams.events.cloudevents import decode_event, encode_event
from streams.events.schema import (
    INTERACTIONS,
    MAX_MESSAGE_BYTES,
    TYPES_BY_TOPIC,
    DeletedProduct,
    Event,
    Product,
    ProductData,
    UserData,
)
from streams.files import cells
from streams.files.column_names import ALIASES, USER_ALIASES
from streams.files.columns import (
    FileContext,
    ResolveMedia,
    product_fields,
    user_fields,
)
from streams.files.conventions.dates import read_time
from streams.files.field_merging import merged_fields
from streams.files.rows import RejectedRow, Row

SOURCE = "vitrine/publish"
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
_FAULTS = (ValueError, InvalidEvent, RecursionError, OverflowError)
"""What is wrong with a row."""
_ENVELOPE_BYTES = 512
_PATTERN = re.compile(r" matching regex '.*?'(?= - )")
_TOPICS = {name: topic for topic, types in TYPES_BY_TOPIC.items() for name in types}


@dataclass(frozen=True, slots=True)
class PreparedEvent:
    """An event ready to publish, and the row that it came from.

    `is_withdrawal`: it takes a product out of the index that the file says is not to be found.
    """

    topic: str
    event: Event
    line: int
    fraction_read: float
    is_withdrawal: bool = False

    @property
    def product_id(self) -> str:
        """Whose event it is; empty where it is a shopper's alone."""
        return getattr(self.event.data, "product_id", "")


class EventClock:
    """Times for events that have none, Unix ms: now, yet never the same twice for one key."""

    def __init__(self, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._now_ms = now_ms
        self._last = 0
        self._keys: set[str] = set()

    def next_time_ms(self, key: str) -> int:
        """The time of the key's next event."""
        now = max(self._now_ms(), self._last)
        if key in self._keys and now == self._last:
            now += 1
        if now != self._last:
            self._last = now
            self._keys.clear()
        self._keys.add(key)
        return now


def product_events(
    rows: Iterable[Row | RejectedRow],
    renames: Mapping[str, str],
    resolve: ResolveMedia,
    clock: EventClock,
    context: FileContext | None = None,
) -> Iterator[PreparedEvent | RejectedRow]:
    """A `product.created` for each row that describes a product; a `RejectedRow` for each that does not."""
    return _each(rows, lambda row: _product(row, renames, resolve, clock, context))


def merged_product_events(
    rows: Iterable[Row | RejectedRow],
    renames: Mapping[str, str],
    resolve: ResolveMedia,
    clock: EventClock,
    context: FileContext,
) -> Iterator[PreparedEvent | RejectedRow]:
    """As `product_events`, but rows of one product that follow each other are one event, unless they state versions.

    Of what two rows say, the later counts; their lists and attributes are joined.
    """
    last: tuple[Row, dict[str, Any]] | None = None
    for row in rows:
        read = row if isinstance(row, RejectedRow) else _read_fields(row, renames, resolve, context)
        if isinstance(read, RejectedRow):
            yield read
        elif isinstance(row, Row):
            if (
                last
                and last[1]["product_id"] == read["product_id"]
                and not {"version"} & (last[1].keys() | read.keys())
            ):
                context.notice.merged += 1
                last = (row, merged_fields(last[1], read))
                continue
            if last:
                yield _created_or_rejected(*last, clock, context)
            last = (row, read)
    if last:
        yield _created_or_rejected(*last, clock, context)


def _read_fields(
    row: Row, renames: Mapping[str, str], resolve: ResolveMedia, context: FileContext
) -> dict[str, Any] | RejectedRow:
    try:
        fields = _identified_fields(row, renames, resolve, context)
        _product_of(fields)  # each row by itself: what is wrong with one is not wrong with those that it is joined with
        return fields
    except _FAULTS as error:
        return RejectedRow(row.line, _in_words(error))


def _created_or_rejected(
    row: Row, fields: dict[str, Any], clock: EventClock, context: FileContext
) -> PreparedEvent | RejectedRow:
    try:
        return _created(row, fields, clock, context)
    except _FAULTS as error:
        return RejectedRow(row.line, _in_words(error))


def withdrawal_of(product_id: str, clock: EventClock) -> PreparedEvent:
    """The `product.deleted` of a product that a file takes out of the index."""
    deletion = _prepared(Row(0, {}, 1.0), "product.deleted", DeletedProduct(product_id), clock.next_time_ms(product_id))
    return dataclasses.replace(deletion, is_withdrawal=True)


def valid_product_id(cell: object) -> str:
    """A cell as a product's id. Raises `ValueError`."""
    try:
        return msgspec.convert({"product_id": "" if cell is None else cells.as_text(cell)}, DeletedProduct).product_id
    except msgspec.ValidationError as error:
        raise ValueError(_in_words(error)) from None


def shopper_events(
    rows: Iterable[Row | RejectedRow], renames: Mapping[str, str], clock: EventClock
) -> Iterator[PreparedEvent | RejectedRow]:
    """An event for each row: a CloudEvents envelope as it is, or one of columns: type, user_id, product_id, time, …"""
    return _each(
        rows, lambda row: _envelope(row, clock) if "specversion" in row.cells else _shopper(row, renames, clock)
    )


def parse_column_map(pairs: Iterable[str]) -> dict[str, str]:
    """`ours=theirs` pairs, as ours by theirs.

    Raises:
        ValueError: a pair without `=`, or a name of ours that there is not.
    """
    renames: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not (ours and equals and theirs):
            raise ValueError(f"{pair!r} is not of the form ours=theirs")
        if ours not in ALIASES and ours not in USER_ALIASES and not ours.startswith("attributes."):
            known = ", ".join(dict.fromkeys([*ALIASES, *USER_ALIASES]))
            raise ValueError(f"{ours!r} is no field; there are {known} and attributes.NAME")
        renames[theirs] = ours
    return renames


def _each(
    rows: Iterable[Row | RejectedRow], prepare: Callable[[Row], PreparedEvent]
) -> Iterator[PreparedEvent | RejectedRow]:
    for row in rows:
        if isinstance(row, RejectedRow):
            yield row
            continue
        try:
            yield prepare(row)
        except _FAULTS as error:
            yield RejectedRow(row.line, _in_words(error))


def _product(
    row: Row, renames: Mapping[str, str], resolve: ResolveMedia, clock: EventClock, context: FileContext | None
) -> PreparedEvent:
    return _created(row, _identified_fields(row, renames, resolve, context), clock, context)


def _identified_fields(
    row: Row, renames: Mapping[str, str], resolve: ResolveMedia, context: FileContext | None
) -> dict[str, Any]:
    fields = product_fields(row.cells, renames, resolve, context)
    if "product_id" not in fields:
        raise ValueError("no product_id (nor id, sku, asin); name its column with --map product_id=COLUMN")
    return fields


def _created(row: Row, fields: dict[str, Any], clock: EventClock, context: FileContext | None) -> PreparedEvent:
    data = _product_of(fields)
    if context:
        context.notice.published(fields)
    return _prepared(row, "product.created", data, clock.next_time_ms(data.product_id))


def _product_of(fields: dict[str, Any]) -> Product:
    try:
        return msgspec.convert(fields, Product)
    except msgspec.ValidationError as error:
        raise ValueError(f"{error} (product_id {fields['product_id'][:80]!r})") from None


def _shopper(row: Row, renames: Mapping[str, str], clock: EventClock) -> PreparedEvent:
    fields, others = user_fields(row.cells, renames)
    kind = _event_type(fields)
    wanted = TYPES_BY_TOPIC[_TOPICS[kind]][kind]
    if _TOPICS[kind] != _TOPICS["user.viewed"]:
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
    return _prepared(row, kind, data, time_ms, cells.as_text(fields["id"]) if "id" in fields else None)


def _event_type(fields: Mapping[str, Any]) -> str:
    if "type" not in fields:
        raise ValueError("no type; name its column with --map type=COLUMN")
    word = cells.as_text(fields["type"])
    plain = word.lower().replace("-", "_").replace(" ", "_")
    kind = plain if plain in _TOPICS else EVENT_TYPE_WORDS.get(plain)
    if kind is None:
        raise ValueError(f"type {word[:60]!r} is none of {', '.join(TYPES_BY_TOPIC[_TOPICS['user.viewed']])}")
    return kind


def _envelope(row: Row, clock: EventClock) -> PreparedEvent:
    kind = row.cells.get("type")
    topic = _TOPICS.get(kind) if isinstance(kind, str) else None
    if topic is None:
        raise ValueError(f"type {kind!r:.60} is none of {', '.join(_TOPICS)}")
    event = decode_event(topic, msgspec.json.encode(row.cells), {}, clock.next_time_ms(""))
    if len(encode_event(event)) > MAX_MESSAGE_BYTES - _ENVELOPE_BYTES:
        raise ValueError(f"over the {MAX_MESSAGE_BYTES:,} bytes of a message")
    return PreparedEvent(topic, event, row.line, row.fraction_read)


def _prepared(
    row: Row, kind: str, data: ProductData | UserData, time_ms: int, event_id: str | None = None
) -> PreparedEvent:
    encoded = msgspec.json.encode(data)
    if len(encoded) > MAX_MESSAGE_BYTES - _ENVELOPE_BYTES:
        raise ValueError(f"{len(encoded):,} bytes with its pictures, over the {MAX_MESSAGE_BYTES:,} of a message")
    versioned = isinstance(data, Product) and data.version is not msgspec.UNSET
    identity = encoded + kind.encode() + (b"" if versioned else str(time_ms).encode())
    event = Event(event_id or hashlib.sha256(identity).hexdigest()[:32], SOURCE, kind, time_ms, data)
    return PreparedEvent(_TOPICS[kind], event, row.line, row.fraction_read)


def _in_words(error: Exception) -> str:
    """The reason, naming fields as the contract does rather than as paths."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return _PATTERN.sub(" of letters, digits and ._:-", str(error)).replace("`$.", "`")
