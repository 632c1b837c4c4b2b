"""Training data from files of clicks: queries, and the products that shoppers chose after them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from streams.events.schema import UserInteraction, UserSearched
from streams.files.row_events import EventClock, PreparedEvent, shopper_events
from streams.files.rows import RejectedRow, Row, read_rows

_QUERY_COLUMNS: Final = ("query", "search_query", "search_term")
_PRODUCT_COLUMNS: Final = ("product_id", "item_id", "sku", "asin", "item")

ChosenProducts = tuple[str, list[str]]
"""A query, which is empty where nothing was searched for, and the ids of the products that were chosen."""


def read_clicks(file: Path, notify: Callable[[str], None]) -> list[ChosenProducts]:
    """Queries and the products chosen after each.

    Args:
        file: rows of a query and a product, each of which stands for itself, or shoppers' events, of which those of
            one `query_id` belong together, and of the others those of one session.
        notify: is told of rows that cannot be read.

    Raises:
        UnreadableFile: the file as a whole cannot be read.
    """
    choices: list[ChosenProducts] = []
    event_rows: list[Row] = []
    for row in read_rows(file):
        if isinstance(row, RejectedRow):
            notify(f"line {row.line}: {row.reason}")
        elif (choice := _query_and_product(row.cells)) is not None:
            choices.append(choice)
        else:
            event_rows.append(row)
    return [*choices, *chosen_products(_events(event_rows, notify))]


def chosen_products(events: Iterable[UserInteraction | UserSearched]) -> list[ChosenProducts]:
    """The products of each query, by its `query_id`; then those of each session outside of queries."""
    query_texts: dict[str, str] = {}
    chosen: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for event in events:
        if isinstance(event, UserSearched):
            if event.query_id:
                query_texts[event.query_id] = event.query
        elif event.query_id:
            chosen["query", event.query_id][event.product_id] = None
        else:
            chosen["session", event.session_id or event.user_id][event.product_id] = None
    return [
        (query_texts.get(group_id, "") if kind == "query" else "", list(products))
        for (kind, group_id), products in chosen.items()
    ]


def _query_and_product(cells: Mapping[str, Any]) -> ChosenProducts | None:
    """What a row of a query and a product says; None for another row."""
    query, product = (_first_present(cells, names) for names in (_QUERY_COLUMNS, _PRODUCT_COLUMNS))
    is_event = "type" in cells or "event_type" in cells
    return None if is_event or query is None or product is None else (str(query), [str(product)])


def _first_present(cells: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((cells[name] for name in names if cells.get(name)), None)


def _events(rows: Iterable[Row], notify: Callable[[str], None]) -> Iterator[UserInteraction | UserSearched]:
    for outcome in shopper_events(rows, {}, EventClock()):
        if isinstance(outcome, PreparedEvent):
            data = outcome.event.data
            if isinstance(data, UserInteraction | UserSearched):
                yield data
        else:
            notify(f"line {outcome.line}: {outcome.reason}")
