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
from typing import Any, cast

from indexer.plain_text import plain_text
from streams.files import cells
from streams.files.local_media import EventMedia

ResolveMedia = Callable[[Any], EventMedia]

ALIASES: Mapping[str, tuple[str, ...]] = {
    "product_id": ("product_id", "id", "sku", "asin", "item_id", "product_code", "stock_code", "uniq_id"),
    "version": ("version",),
    "title": ("title", "name", "product_name", "product_title", "item_name"),
    "description": ("description", "product_description", "long_description", "body_html"),
    "lang": ("lang", "language", "locale"),
    "category": ("category", "categories", "category_path", "product_category", "product_type"),
    "brand": ("brand", "brand_name", "manufacturer", "vendor"),
    "price": ("price", "sale_price", "selling_price", "unit_price", "list_price"),
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

_FIELDS = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
_USER_FIELDS = {alias: name for name, aliases in USER_ALIASES.items() for alias in aliases}
_MEDIA = frozenset({"images", "videos", "audios"})
_BETWEEN_LEVELS = re.compile("[>»›|]")


def product_fields(row: Mapping[str, Any], renames: Mapping[str, str], resolve: ResolveMedia) -> dict[str, Any]:
    """A product's fields, from a row.

    Args:
        row: cells by column.
        renames: our field or `attributes.NAME`, by the column that means it.
        resolve: turns what a cell says of a picture into a reference.

    Raises:
        ValueError: naming the column and the cell that cannot be read.
    """
    known, unknown = _split(row, renames, _FIELDS, ALIASES)
    fields: dict[str, Any] = {}
    for name, columns in known.items():
        for column, cell in columns if name in _MEDIA else columns[:1]:
            try:
                _read_cell(fields, name, cell, resolve)
            except ValueError as error:
                raise ValueError(f"{column}: {error}") from None
        if name not in _MEDIA:
            unknown |= dict(columns[1:])
    joined = [unknown.pop(column) for column in list(unknown) if _snake_case(column) in DESCRIPTION_COLUMNS]
    attributes, texts = _attributes(unknown)
    lines = [fields.get("description", ""), *(line for cell in joined for line in _lines(cell)), *texts]
    description = "\n".join(filter(None, lines))[: MAX_CHARS["description"]]
    return fields | {name: value for name, value in (("description", description), ("attributes", attributes)) if value}


def user_fields(row: Mapping[str, Any], renames: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cells of a shopper's event by our names, and the others by their columns' names."""
    known, unknown = _split(row, renames, _USER_FIELDS, USER_ALIASES)
    return {name: columns[0][1] for name, columns in known.items()}, unknown


CellsByField = dict[str, list[tuple[str, Any]]]
"""The cells of each field with their columns' names."""


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


def _read_cell(fields: dict[str, Any], name: str, cell: Any, resolve: ResolveMedia) -> None:
    """Put one cell into `fields`."""
    if name in _MEDIA:
        known: list[EventMedia] = fields.get(name, [])
        media = [resolve(item) for item in cells.as_media_list(cell)]
        fields[name] = [*known, *(reference for reference in media if reference not in known)][:MAX_MEDIA]
    elif name == "price":
        fields["price"], currency = cells.as_price(cell)
        if currency:
            fields.setdefault("currency", currency)
    else:
        fields[name] = _READERS.get(name, cells.as_text)(cell)
        if name in MAX_CHARS:
            fields[name] = fields[name][: MAX_CHARS[name]]


def _category(cell: Any) -> str:
    """A path: `Home > Kitchen` as `Home/Kitchen`; of several paths the first; of a list without paths, its levels."""
    items = [item for outer in cells.as_list(cell) for item in cells.as_list(outer)]
    levels = [_path(cells.as_text(item)).strip("/ ") for item in items]
    return levels[0] if levels and "/" in levels[0] else "/".join(levels)


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
    "category": _category,
    "in_stock": cells.as_bool,
    "tags": _tags,
    "rating": cells.as_number,
    "rating_count": cells.as_count,
    "reviews": _reviews,
    "created_at": cells.as_time,
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
        inner = cells.as_object(cell) if column == "attributes" else None
        if inner is not None:
            yield from _attribute_values(inner)
        else:
            several = (
                cells.as_text_list(cell)
                if _snake_case(column) in MULTI_VALUED_COLUMNS and isinstance(cell, str)
                else cell
            )
            yield from ((f"{column}{path}", value) for path, value in cells.attribute_values(several))
