"""Rows of products as events.

A row is a `product.created`. Its version is the row's `version`, else the event's time, which is later for each further
row of the same product: the last row of a file wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from streams.events.schema import Product
from streams.files.columns.field_merging import merged_fields
from streams.files.columns.fields import FileContext, ResolveMedia, product_fields
from streams.files.prepared_events import (
    ROW_FAULTS,
    EventClock,
    PreparedEvent,
    in_words,
    prepared_event,
    prepared_events,
)
from streams.files.rows import RejectedRow, Row


def product_events(
    rows: Iterable[Row | RejectedRow],
    renames: Mapping[str, str],
    resolve: ResolveMedia,
    clock: EventClock,
    context: FileContext | None = None,
) -> Iterator[PreparedEvent | RejectedRow]:
    """A `product.created` for each row that describes a product; a `RejectedRow` for each that does not."""
    return prepared_events(rows, lambda row: _product(row, renames, resolve, clock, context))


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
    except ROW_FAULTS as error:
        return RejectedRow(row.line, in_words(error))


def _created_or_rejected(
    row: Row, fields: dict[str, Any], clock: EventClock, context: FileContext
) -> PreparedEvent | RejectedRow:
    try:
        return _created(row, fields, clock, context)
    except ROW_FAULTS as error:
        return RejectedRow(row.line, in_words(error))


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
    return prepared_event(row, "product.created", data, clock.next_time_ms(data.product_id))


def _product_of(fields: dict[str, Any]) -> Product:
    try:
        return msgspec.convert(fields, Product)
    except msgspec.ValidationError as error:
        raise ValueError(f"{error} (product_id {fields['product_id'][:80]!r})") from None
