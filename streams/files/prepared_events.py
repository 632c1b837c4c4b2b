"""Rows as events: what `vitrine publish` sends, free of Kafka.

An event's time is now, unless its row says another, and later for each further row of one product or shopper.
Publishing a file again is safe: it states the same anew. An event's id is a hash of what it says and when, so a row
that carries its own time or version is the same event each time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from streams.errors import InvalidEvent
from streams.events.schema import (
    MAX_MESSAGE_BYTES,
    TYPES_BY_TOPIC,
    DeletedProduct,
    Event,
    Product,
    ProductData,
    UserData,
)
from streams.files.columns import cells
from streams.files.rows import RejectedRow, Row

SOURCE: Final = "vitrine/publish"
ROW_FAULTS: Final = (ValueError, InvalidEvent, RecursionError, OverflowError)
"""What is wrong with a row."""
MAX_EVENT_BYTES: Final = MAX_MESSAGE_BYTES - 512
"""Of a message, without its envelope."""
TOPICS: Final = {name: topic for topic, types in TYPES_BY_TOPIC.items() for name in types}
"""Of event types."""
_PATTERN: Final = re.compile(r" matching regex '.*?'(?= - )")


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
        """The product that the event is about; empty where it is about a shopper alone."""
        return getattr(self.event.data, "product_id", "")

    @property
    def is_versioned(self) -> bool:
        """Whether its row said which version of the product it is."""
        return isinstance(self.event.data, Product) and self.event.data.version is not msgspec.UNSET


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


def prepared_events(
    rows: Iterable[Row | RejectedRow], prepare: Callable[[Row], PreparedEvent]
) -> Iterator[PreparedEvent | RejectedRow]:
    """The event of each row, or why it has none."""
    for row in rows:
        if isinstance(row, RejectedRow):
            yield row
            continue
        try:
            yield prepare(row)
        except ROW_FAULTS as error:
            yield RejectedRow(row.line, in_words(error))


def prepared_event(
    row: Row, kind: str, data: ProductData | UserData, time_ms: int, event_id: str | None = None
) -> PreparedEvent:
    """A row's event. Raises `ValueError` where no message takes it."""
    encoded = msgspec.json.encode(data)
    if len(encoded) > MAX_EVENT_BYTES:
        raise ValueError(f"{len(encoded):,} bytes with its pictures, over the {MAX_MESSAGE_BYTES:,} of a message")
    versioned = isinstance(data, Product) and data.version is not msgspec.UNSET
    identity = encoded + kind.encode() + (b"" if versioned else str(time_ms).encode())
    event = Event(event_id or hashlib.sha256(identity).hexdigest()[:32], SOURCE, kind, time_ms, data)
    return PreparedEvent(TOPICS[kind], event, row.line, row.fraction_read)


def withdrawal_of(product_id: str, clock: EventClock) -> PreparedEvent:
    """The `product.deleted` of a product that a file takes out of the index."""
    deletion = prepared_event(
        Row(0, {}, 1.0), "product.deleted", DeletedProduct(product_id), clock.next_time_ms(product_id)
    )
    return dataclasses.replace(deletion, is_withdrawal=True)


def valid_product_id(cell: object) -> str:
    """A cell as a product's id. Raises `ValueError`."""
    try:
        return msgspec.convert({"product_id": "" if cell is None else cells.as_text(cell)}, DeletedProduct).product_id
    except msgspec.ValidationError as error:
        raise ValueError(in_words(error)) from None


def in_words(error: Exception) -> str:
    """The reason, naming fields as the contract does rather than as paths."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return _PATTERN.sub(" of letters, digits and ._:-", str(error)).replace("`$.", "`")
