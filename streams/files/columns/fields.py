"""The columns that shops' tables have, and the fields of a product and of a shopper's event that they mean.

- The first alias present wins; a further one (`sku` beside `id`) is kept as an attribute.
- `bullet_points`, `features` and the like join the description; every picture column joins `images`.
- Any other column becomes an attribute of its own name; a nested one, attributes named `column.key`.
- What is no label joins the description instead, so that search still finds it: a value of more than 256 characters,
  and attributes beyond the 64th. Texts and lists over their bound are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from typing import Any, cast

from streams.files.columns import cells
from streams.files.columns.attributes import attributes_of
from streams.files.columns.category_paths import CategoryPaths, category_paths
from streams.files.columns.field_bounds import (
    MAX_CATEGORIES,
    MAX_CHARS,
    MAX_LABEL_CHARS,
    MAX_LABELS,
    MAX_MEDIA,
    MAX_REVIEW_CHARS,
    MAX_REVIEWS,
)
from streams.files.columns.names import (
    ALIASES,
    DESCRIPTION_COLUMNS,
    PRODUCT_COLUMNS,
    USER_ALIASES,
    USER_COLUMNS,
    snake_case,
)
from streams.files.conventions.dates import read_time
from streams.files.conventions.prices import read_price
from streams.files.conventions.stock_words import UnknownWord, is_later
from streams.files.conventions.survey import Conventions
from streams.files.local_media import EventMedia
from streams.files.notice import FileNotice

ResolveMedia = Callable[[Any], EventMedia]

CellsByField = dict[str, list[tuple[str, Any]]]
"""The cells of each field with their columns' names."""
_MEDIA = frozenset({"images", "videos", "audios"})
_OFFERS = frozenset({"sale_price", "sale_price_from", "sale_price_until", "sale_price_dates"})
"""What a product's price is made of beside `price`; none of them is a field of a product."""


@dataclass(frozen=True, slots=True)
class FileContext:
    """What is known of a file beyond its row.

    Attributes:
        conventions: how its columns write prices and dates.
        notice: where words that are not understood are counted.
        now: the time at which prices are to be valid.
    """

    conventions: Conventions = field(default_factory=Conventions)
    notice: FileNotice = field(default_factory=FileNotice)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


def product_fields(
    row: Mapping[str, Any], renames: Mapping[str, str], resolve: ResolveMedia, context: FileContext | None = None
) -> dict[str, Any]:
    """A product's fields, from a row.

    Args:
        row: cells by column.
        renames: our field or `attributes.NAME`, by the column that means it.
        resolve: turns what a cell says of a picture into a reference.
        context: what the file as a whole tells; None: nothing.

    Raises:
        ValueError: naming the column and the cell that cannot be read.
    """
    context = context or FileContext()
    known, unknown = _split(row, renames, PRODUCT_COLUMNS, ALIASES)
    fields: dict[str, Any] = {}
    for name, columns in known.items():
        for column, cell in columns if name in _MEDIA else columns[:1]:
            _read_named_cell(fields, name, column, cell, resolve, context, unknown)
        if name not in _MEDIA:
            unknown |= dict(columns[1:])
    _read_price(fields, known, context)
    joined = [unknown.pop(column) for column in list(unknown) if snake_case(column) in DESCRIPTION_COLUMNS]
    attributes, texts = attributes_of(unknown)
    lines = [fields.get("description", ""), *(line for cell in joined for line in _lines(cell)), *texts]
    description = "\n".join(filter(None, lines))[: MAX_CHARS["description"]]
    return fields | {name: value for name, value in (("description", description), ("attributes", attributes)) if value}


def user_fields(row: Mapping[str, Any], renames: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cells of a shopper's event by our names, and the others by their columns' names."""
    known, unknown = _split(row, renames, USER_COLUMNS, USER_ALIASES)
    return {name: columns[0][1] for name, columns in known.items()}, unknown


def _split(
    row: Mapping[str, Any], renames: Mapping[str, str], known: Mapping[str, str], aliases: Mapping[str, tuple[str, ...]]
) -> tuple[CellsByField, dict[str, Any]]:
    """The present cells of known fields, renamed columns before aliases in their order; and the others by column."""
    ranked: dict[str, list[tuple[int, str, Any]]] = {}
    unknown: dict[str, Any] = {}
    for column, cell in row.items():
        if cells.is_absent(cell):
            continue
        name = renames.get(column) or known.get(snake_case(column), column)
        if name in aliases:
            rank = -1 if column in renames else aliases[name].index(snake_case(column))
            ranked.setdefault(name, []).append((rank, column, cell))
        else:
            unknown[name.removeprefix("attributes.")] = cell
    ordered = {name: sorted(columns, key=lambda column: column[0]) for name, columns in ranked.items()}
    return {name: [(column, cell) for _, column, cell in columns] for name, columns in ordered.items()}, unknown


def _read_named_cell(
    fields: dict[str, Any],
    name: str,
    column: str,
    cell: Any,
    resolve: ResolveMedia,
    context: FileContext,
    unknown: dict[str, Any],
) -> None:
    """Put one cell into `fields`. A word that is not understood is counted, one that says more is an attribute."""
    if name == "price" or name in _OFFERS:
        return
    try:
        if name == "created_at":
            fields[name] = read_time(cell, context.conventions.date(column))
        else:
            _read_cell(fields, name, cell, resolve)
        if name == "in_stock" and is_later(cell):
            unknown["availability"] = cell
    except UnknownWord:
        context.notice.unknown_word(column, str(cell)[:60])
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None


def _read_cell(fields: dict[str, Any], name: str, cell: Any, resolve: ResolveMedia) -> None:
    if name in _MEDIA:
        known: list[EventMedia] = fields.get(name, [])
        media = [resolve(item) for item in cells.as_media_list(cell)]
        fields[name] = [*known, *(reference for reference in media if reference not in known)][:MAX_MEDIA]
    elif name == "category":
        found = cell if isinstance(cell, CategoryPaths) else category_paths(cell)
        paths = [path[: MAX_CHARS["category"]] for path in found][:MAX_CATEGORIES]
        fields |= {"category": paths[0]} if paths else {}
        fields |= {"categories": paths} if len(paths) > 1 else {}
    else:
        fields[name] = _READERS.get(name, cells.as_text)(cell)
        if name in MAX_CHARS:
            fields[name] = fields[name][: MAX_CHARS[name]]


def _read_price(fields: dict[str, Any], known: CellsByField, context: FileContext) -> None:
    """The lowest price that is valid now, and the currency that it names, unless a column does."""
    stated: str | None = fields.get("currency")
    prices: list[tuple[float, str | None]] = []
    for name in ("price", "sale_price"):
        for column, cell in known.get(name, [])[:1]:
            if name == "sale_price" and not _is_valid_now(known, context):
                continue
            for offer in cast("list[Any]", cell) if isinstance(cell, list) else [cell]:
                try:
                    price = read_price(offer, context.conventions.price(column), stated)
                except ValueError as error:
                    raise ValueError(f"{column}: {error}") from None
                if price[0] > 0 or name == "price":
                    prices.append(price)
    if prices:
        fields["price"], currency = min(prices, key=lambda price: price[0])
        currency = currency or next((named for _, named in prices if named), None)
        fields |= {"currency": currency} if currency and not stated else {}


def _is_valid_now(known: CellsByField, context: FileContext) -> bool:
    """Whether an offer runs: its dates, or an interval of two with a slash between."""
    bounds = {"sale_price_from": context.now, "sale_price_until": context.now}
    for name in ("sale_price_from", "sale_price_until"):
        for column, cell in known.get(name, [])[:1]:
            bounds[name] = _moment(column, cell, context, is_end=name.endswith("until"))
    for column, cell in known.get("sale_price_dates", [])[:1]:
        first, _, last = cells.as_text(cell).partition("/")
        for name, text in (("sale_price_from", first), ("sale_price_until", last)):
            if text.strip():
                bounds[name] = _moment(column, text, context, is_end=name.endswith("until"))
    return bounds["sale_price_from"] <= context.now <= bounds["sale_price_until"]


def _moment(column: str, cell: Any, context: FileContext, *, is_end: bool) -> datetime:
    """A bound of an offer; a day without a time lasts to its end."""
    try:
        time = read_time(cell, context.conventions.date(column))
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None
    is_day = is_end and time.timetz().replace(tzinfo=None) == time_of_day.min
    return time + timedelta(days=1) if is_day else time


def _reviews(cell: Any) -> list[str]:
    return [line[:MAX_REVIEW_CHARS] for line in _lines(cell)][:MAX_REVIEWS]


def _lines(cell: Any) -> list[str]:
    """The texts of a list."""
    texts = [_main_text(item) for item in cells.as_list(cell)]
    return [cells.as_text(text) for text in texts if not cells.is_absent(text)]


def _main_text(item: Any) -> Any:
    """An item that is no object as it is; of an object, the part that is its text."""
    if not isinstance(item, dict):
        return item
    parts = cast("dict[str, Any]", item)
    return next((parts[key] for key in ("text", "body", "content") if parts.get(key)), "")


def _version(cell: Any) -> int:
    return cell if isinstance(cell, int) and not isinstance(cell, bool) else int(cells.as_text(cell))


def _tags(cell: Any) -> list[str]:
    return [word[:MAX_LABEL_CHARS] for word in cells.as_text_list(cell)][:MAX_LABELS]


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "version": _version,
    "description": lambda cell: "\n".join(_lines(cell)),
    "in_stock": cells.as_bool,
    "tags": _tags,
    "rating": cells.as_number,
    "rating_count": cells.as_count,
    "reviews": _reviews,
}
