"""The columns that shops' tables have, and the fields of a product and of a shopper's event that they mean.

- The first alias present wins; a further one (`sku` beside `id`) is kept as an attribute.
- `bullet_points`, `features` and the like join the description; every picture column joins `images`.
- Any other column becomes an attribute of its own name; a nested one, attributes named `column.key`.
- What is no label joins the description instead, so that search still finds it: a value of more than 256 characters,
  and attributes beyond the 64th. Texts and lists over their bound are cut.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from typing import Any, cast

from indexer.plain_text import plain_text
from streams.files import cells
from streams.files.conventions.dates import read_time
from streams.files.conventions.prices import read_price
from streams.files.conventions.stock_words import UnknownWord, is_later
from streams.files.conventions.survey import Conventions
from streams.files.local_media import EventMedia
from streams.files.notice import FileNotice

ResolveMedia = Callable[[Any], EventMedia]

ALIASES: Mapping[str, tuple[str, ...]] = {
    "product_id": ("product_id", "id", "sku", "asin", "item_id", "product_code", "stock_code", "uniq_id"),
    "version": ("version",),
    "title": ("title", "name", "product_name", "product_title", "item_name"),
    "description": ("description", "product_description", "long_description", "body_html"),
    "lang": ("lang", "language", "locale"),
    "category": ("category", "categories", "category_path", "product_category", "product_type"),
    "brand": ("brand", "brand_name", "manufacturer", "vendor"),
    "price": ("price", "selling_price", "unit_price", "regular_price", "list_price"),
    "sale_price": ("sale_price", "special_price", "discount_price", "discounted_price", "offer_price", "promo_price"),
    "sale_price_from": ("sale_price_from", "special_price_from_date", "sale_start_date", "sale_price_start_date"),
    "sale_price_until": ("sale_price_until", "special_price_to_date", "sale_end_date", "sale_price_end_date"),
    "sale_price_dates": ("sale_price_dates", "sale_price_effective_date"),
    "currency": ("currency", "price_currency", "currency_code"),
    "in_stock": ("in_stock", "instock", "available", "availability", "is_in_stock"),
    "tags": ("tags", "keywords"),
    "rating": ("rating", "average_rating", "avg_rating", "stars"),
    "rating_count": ("rating_count", "ratings_count", "rating_number", "review_count", "reviews_count", "num_reviews"),
    "reviews": ("reviews", "review_texts"),
    "created_at": ("created_at", "created", "date_added", "date_first_available", "published_at"),
    "images": ("images", "image", "image_url", "image_urls", "image_link", "img", "photos", "picture", "pictures"),
    "videos": ("videos", "video", "video_url", "video_urls"),
    "audios": ("audios", "audio", "audio_url", "audio_urls"),
    "group_id": ("group_id", "item_group_id", "parent_id", "parent_sku", "parent_asin"),
    "url": ("url", "link", "product_url", "permalink"),
}
MULTI_VALUED_COLUMNS = frozenset({"colors", "colours", "sizes", "materials"})
"""Attributes that a table writes as several values between commas."""
DESCRIPTION_COLUMNS = ("bullet_points", "bullets", "features", "highlights", "about_product")
USER_ALIASES: Mapping[str, tuple[str, ...]] = {
    "type": ("type", "event_type", "event", "action"),
    "id": ("id", "event_id"),
    "time": ("time", "timestamp", "event_time", "ts", "datetime", "created_at"),
    "user_id": ("user_id", "user", "customer_id", "visitor_id", "shopper_id"),
    "product_id": ("product_id", "item_id", "sku", "asin", "item"),
    "session_id": ("session_id", "session"),
    "query_id": ("query_id",),
    "query": ("query", "search_query", "search_term"),
    "position": ("position", "rank"),
    "traits": ("traits",),
    "learning": ("learning",),
    "anonymous_id": ("anonymous_id",),
}
MAX_CHARS = {"title": 1_000, "description": 20_000, "lang": 35, "category": 512, "brand": 256, "currency": 8}
MAX_LABEL_CHARS, MAX_LABELS, MAX_MEDIA, MAX_REVIEWS, MAX_REVIEW_CHARS = 256, 64, 32, 50, 2_000
MAX_CATEGORIES = 64

_FIELDS = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
_USER_FIELDS = {alias: name for name, aliases in USER_ALIASES.items() for alias in aliases}
CellsByField = dict[str, list[tuple[str, Any]]]
"""The cells of each field with their columns' names."""
_MEDIA = frozenset({"images", "videos", "audios"})
_BETWEEN_LEVELS = re.compile("[>»›|]")
_BETWEEN_PATHS = (";", "|", "\n")
_PAIR_NAMES = ("name", "key", "attribute", "attribute_code", "label")
_PAIR_VALUES = ("value", "values", "options", "option")
_OFFERS = frozenset({"sale_price", "sale_price_from", "sale_price_until", "sale_price_dates"})
"""What a product's price is made of beside `price`; none of them is a field of a product."""


class CategoryPaths(list[str]):
    """The paths of a product's categories, as they are to be: nothing in them is parted any more."""


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
    known, unknown = _split(row, renames, _FIELDS, ALIASES)
    fields: dict[str, Any] = {}
    for name, columns in known.items():
        for column, cell in columns if name in _MEDIA else columns[:1]:
            _read_named_cell(fields, name, column, cell, resolve, context, unknown)
        if name not in _MEDIA:
            unknown |= dict(columns[1:])
    _read_price(fields, known, context)
    joined = [unknown.pop(column) for column in list(unknown) if _snake_case(column) in DESCRIPTION_COLUMNS]
    attributes, texts = _attributes(unknown)
    lines = [fields.get("description", ""), *(line for cell in joined for line in _lines(cell)), *texts]
    description = "\n".join(filter(None, lines))[: MAX_CHARS["description"]]
    return fields | {name: value for name, value in (("description", description), ("attributes", attributes)) if value}


def convention_kinds(columns: Iterable[str], renames: Mapping[str, str]) -> dict[str, str]:
    """`price` or `date`, by the columns that hold prices or dates."""
    kinds: dict[str, str] = {}
    for column in columns:
        name = renames.get(column) or _FIELDS.get(_snake_case(column))
        if name in ("price", "sale_price"):
            kinds[column] = "price"
        elif name in ("created_at", "sale_price_from", "sale_price_until"):
            kinds[column] = "date"
    return kinds


def is_known_column(name: str) -> bool:
    """Whether a text is a usual name of a product's column, or of a shopper's event's."""
    plain = _snake_case(name.strip('\ufeff"# '))
    return plain in _FIELDS or plain in _USER_FIELDS


def user_fields(row: Mapping[str, Any], renames: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cells of a shopper's event by our names, and the others by their columns' names."""
    known, unknown = _split(row, renames, _USER_FIELDS, USER_ALIASES)
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
        name = renames.get(column) or known.get(_snake_case(column), column)
        if name in aliases:
            rank = -1 if column in renames else aliases[name].index(_snake_case(column))
            ranked.setdefault(name, []).append((rank, column, cell))
        else:
            unknown[name.removeprefix("attributes.")] = cell
    ordered = {name: sorted(columns, key=lambda column: column[0]) for name, columns in ranked.items()}
    return {name: [(column, cell) for _, column, cell in columns] for name, columns in ordered.items()}, unknown


def _snake_case(column: str) -> str:
    """`Product ID`, `productId` and `product-id` as `product_id`. Longer names than any that is known are cut."""
    return _cached_snake_case(column[:MAX_LABEL_CHARS])


@functools.lru_cache(maxsize=1_024)
def _cached_snake_case(column: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column)
    return re.sub(r"[\W_]+", "_", parted).strip("_").lower()


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
        found = cell if isinstance(cell, CategoryPaths) else _category_paths(cell)
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


def _category_paths(cell: Any) -> list[str]:
    """Paths: `Home > Kitchen` is `Home/Kitchen`; of a list without paths, its items are the levels of one."""
    items = [cells.as_text(item) for outer in cells.as_list(cell) for item in cells.as_list(outer)]
    if len(items) == 1:
        items = _several_paths(items[0])
    paths = [_path(item).strip("/ ") for item in items]
    paths = list(dict.fromkeys(path for path in paths if path))
    return paths if any("/" in path for path in paths) else ["/".join(paths)] if paths else []


def _several_paths(text: str) -> list[str]:
    """The paths of a text that has signs between them other than those between their levels."""
    for sign in _BETWEEN_PATHS:
        parts = [part for part in text.split(sign) if part.strip()]
        if len(parts) > 1 and all(">" in part or "/" in part for part in parts):
            return parts
    return [text]


def _path(text: str) -> str:
    return "/".join(level.strip() for level in _BETWEEN_LEVELS.split(plain_text(text)))


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


def _attributes(unknown: Mapping[str, Any]) -> tuple[dict[str, str | list[str]], list[str]]:
    """Attributes, and the texts that are none: too long for a label, or beyond the bound on their number."""
    attributes: dict[str, str | list[str]] = {}
    texts: list[str] = []
    for name, value in _attribute_values(unknown):
        values = value if isinstance(value, list) else [value]
        labels = [text for text in values if len(text) <= MAX_LABEL_CHARS]
        texts += [text for text in values if len(text) > MAX_LABEL_CHARS]
        if labels and (len(attributes) == MAX_LABELS or len(name) > MAX_LABEL_CHARS):
            texts.append(f"{name}: {', '.join(labels)}")
        elif labels:
            attributes[name] = labels if isinstance(value, list) else labels[0]
    return attributes, texts


def _attribute_values(columns: Mapping[str, Any]) -> Iterable[tuple[str, str | list[str]]]:
    for column, cell in columns.items():
        inner = (cells.as_object(cell) or _named_pairs(cell)) if column == "attributes" else _named_pairs(cell)
        if inner is not None:
            yield from _attribute_values(inner)
        else:
            several = (
                cells.as_text_list(cell)
                if _snake_case(column) in MULTI_VALUED_COLUMNS and isinstance(cell, str)
                else cell
            )
            yield from ((f"{column}{path}", value) for path, value in cells.attribute_values(several))


def _named_pairs(cell: Any) -> dict[str, Any] | None:
    """A list of objects that each name an attribute and its value, as a dict; None for another cell."""
    items = cells.as_list(cell) if isinstance(cell, list) or (isinstance(cell, str) and cell.startswith("[")) else []
    pairs: dict[str, Any] = {}
    for item in items:
        entry = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
        name = next((entry[key] for key in _PAIR_NAMES if isinstance(entry.get(key), str)), None)
        value = next((entry[key] for key in _PAIR_VALUES if not cells.is_absent(entry.get(key))), None)
        if not name or value is None:
            return None
        before = pairs.get(name)
        pairs[name] = value if before is None else [*cells.as_list(before), *cells.as_list(value)]
    return pairs or None
