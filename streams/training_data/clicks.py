"""Training data from files of clicks: queries, and the products that shoppers chose after them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from streams.events.schema import DeletedProduct, Product, UserData, UserInteraction, UserSearched
from streams.files.columns.names import USER_ALIASES
from streams.files.prepared_events import EventClock, PreparedEvent
from streams.files.rows import RejectedRow, Row, read_rows
from streams.files.shopper_rows import shopper_events
from streams.training_data.rights import Rights

_QUERY_COLUMNS: Final = ("query", "search_query", "search_term")
_PRODUCT_COLUMNS: Final = ("product_id", "item_id", "sku", "asin", "item")

ChosenProducts = tuple[str, list[str]]
"""A query, which is empty where nothing was searched for, and the ids of the products that were chosen."""


ForgottenPeople = Callable[[Sequence[str]], Mapping[str, int]]
"""Of users, those who are forgotten: until when, Unix milliseconds."""


def nobody(_user_ids: Sequence[str]) -> Mapping[str, int]:
    """`ForgottenPeople` where it is not known of anybody."""
    return {}


def read_clicks(file: Path, notify: Callable[[str], None], forgotten: ForgottenPeople = nobody) -> list[ChosenProducts]:
    """Queries and the products chosen after each, without what people did before they asked to be forgotten, or while
    they were opted out of learning.

    Args:
        file: rows of a query and a product, each of which stands for itself, or shoppers' events, of which those of
            one `query_id` belong together, and of the others those of one session.
        notify: is told of rows that cannot be read, and how many are left out.
        forgotten: who asked for it; the file's own events count as well.

    Raises:
        UnreadableFile: the file as a whole cannot be read.
    """
    choices: list[tuple[str | None, ChosenProducts]] = []
    event_rows: list[Row] = []
    for row in read_rows(file):
        if isinstance(row, RejectedRow):
            notify(f"line {row.line}: {row.reason}")
        elif (choice := _query_and_product(row.cells)) is not None:
            choices.append((_user(row.cells), choice))
        else:
            event_rows.append(row)
    events = list(_events(event_rows, notify))
    named = dict.fromkeys([*(user for user, _ in choices if user), *(event.data.user_id for event in events)])
    rights = Rights(dict(forgotten(list(named))))
    for event in events:
        rights.hear(event.data, event.time_ms)
    # Rows that are no events do not say when they were.
    kept = [choice for user, choice in choices if user not in rights.forgotten_ms]
    permitted = [event for event in events if not rights.refuses(event.data.user_id, event.time_ms)]
    if left_out := len(choices) - len(kept) + len(events) - len(permitted):
        notify(f"{left_out:,} rows are left out: they are of people who asked to be forgotten, or opted out")
    interactions = (event.data for event in permitted)
    return [
        *kept,
        *chosen_products(data for data in interactions if isinstance(data, UserInteraction | UserSearched)),
    ]


def _user(cells: Mapping[str, Any]) -> str | None:
    user = _first_present(cells, USER_ALIASES["user_id"])
    return None if user is None else str(user)


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


class _ShopperEvent(NamedTuple):
    """What a shopper did, and when, Unix milliseconds."""

    time_ms: int
    data: UserData


def _events(rows: Iterable[Row], notify: Callable[[str], None]) -> Iterator[_ShopperEvent]:
    # Those that do not say when they were are taken for older than any request, and stay in their order.
    for outcome in shopper_events(rows, {}, EventClock(lambda: 0)):
        if isinstance(outcome, PreparedEvent):
            data = outcome.event.data
            if not isinstance(data, Product | DeletedProduct):
                yield _ShopperEvent(outcome.event.time_ms, data)
        else:
            notify(f"line {outcome.line}: {outcome.reason}")
