"""Catalogues and clicks in files, as what encoders are trained on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from encoders.training.data.listings import TrainingListing, make_listing
from indexer.rows import embedding_text
from streams.events.schema import UserInteraction, UserSearched
from streams.files.columns import product_fields
from streams.files.local_media import LocalMedia
from streams.files.row_events import EventClock, PreparedEvent, shopper_events
from streams.files.rows import RejectedRow, Row, read_rows
from vitrine.errors import VitrineError

_NAMES: Final = ("products", "catalog", "catalogue")
_SUFFIXES: Final = (".jsonl", ".ndjson", ".jsonl.gz", ".csv", ".tsv", ".csv.gz", ".parquet")
_MOST_COMPANIONS: Final = 20
_QUERY_COLUMNS: Final = ("query", "search_query", "search_term")
_PRODUCT_COLUMNS: Final = ("product_id", "item_id", "sku", "asin", "item")

Notify = Callable[[str], None]


class NoCatalogue(VitrineError):
    """A directory without a file of products; the message says which names are looked for."""


def catalogue_file(place: Path) -> Path:
    """The file of products that a path is, or that a directory holds. Raises `NoCatalogue`."""
    if place.is_file():
        return place
    found = [place / f"{name}{suffix}" for name in _NAMES for suffix in _SUFFIXES]
    for file in found:
        if file.is_file():
            return file
    raise NoCatalogue(f"{place} has no products file: name it products.jsonl, .csv or .parquet, or give its path")


def read_listings(
    file: Path, images: Path | None, renames: Mapping[str, str], encoding: str | None, say: Notify
) -> list[TrainingListing]:
    """The products of a file, as `vitrine publish products` reads them; the last row of a product counts.

    Args:
        file: CSV, JSON Lines or Parquet.
        images: where the paths of pictures start.
        renames: our fields by the columns that mean them.
        encoding: of a CSV.
        say: is told of rows that cannot be read, and of pictures that are only addresses.
    """
    media = LocalMedia(images)
    found: dict[str, TrainingListing] = {}
    addresses = 0
    for row in read_rows(file, encoding):
        outcome = _listing(row, renames, media)
        if isinstance(outcome, RejectedRow):
            say(f"line {outcome.line}: {outcome.reason}")
            continue
        listing, remote = outcome
        addresses += remote
        found[listing.product_id] = listing
    if addresses:
        say(f"{addresses:,} pictures are addresses, which training does not fetch; with --images, paths are read")
    return list(found.values())


def listing_from_fields(fields: Mapping[str, Any]) -> TrainingListing:
    """The listing of a product's fields, with the pictures that are inline."""
    pictures = [one["data"] for one in fields.get("images") or () if "data" in one]
    return make_listing(fields, embedding_text(fields), pictures)


def with_clicks(
    listings: Sequence[TrainingListing], clicks: Iterable[tuple[str, Sequence[str]]]
) -> list[TrainingListing]:
    """Listings with what shoppers searched for before they chose them, and with what they looked at besides.

    Args:
        listings: the catalogue.
        clicks: a query, which may be empty, and the products that were chosen after it.
    """
    queries: defaultdict[str, list[str]] = defaultdict(list)
    together: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for query, chosen in clicks:
        for product in chosen:
            if query:
                queries[product].append(query)
            together[product].update(other for other in chosen if other != product)
    return [
        replace(
            one,
            queries=tuple(queries[one.product_id]),
            co_viewed=tuple(name for name, _ in together[one.product_id].most_common(_MOST_COMPANIONS)),
        )
        for one in listings
    ]


def read_clicks(file: Path, say: Notify) -> list[tuple[str, list[str]]]:
    """Queries and the products chosen after each, from rows of both, or from shoppers' events.

    Events of one `query_id` belong together, and so do those of one session; rows of a query and a product stand for
    themselves.
    """
    pairs: list[tuple[str, list[str]]] = []
    events: list[Row] = []
    for row in read_rows(file):
        if isinstance(row, RejectedRow):
            say(f"line {row.line}: {row.reason}")
        elif (pair := _query_and_product(row.cells)) is not None:
            pairs.append(pair)
        else:
            events.append(row)
    return [*pairs, *chosen_products(_events(events, say))]


def chosen_products(events: Iterable[UserInteraction | UserSearched]) -> list[tuple[str, list[str]]]:
    """What was chosen after a query, by its id; and what was chosen in one session besides."""
    typed: dict[str, str] = {}
    chosen: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for one in events:
        if isinstance(one, UserSearched):
            if one.query_id:
                typed[one.query_id] = one.query
        elif one.query_id:
            chosen["query", one.query_id][one.product_id] = None
        else:
            chosen["session", one.session_id or one.user_id][one.product_id] = None
    queries = {("query", name): text for name, text in typed.items()}
    return [(queries.get(key, ""), list(products)) for key, products in chosen.items()]


def _listing(
    row: Row | RejectedRow, renames: Mapping[str, str], media: LocalMedia
) -> tuple[TrainingListing, int] | RejectedRow:
    if isinstance(row, RejectedRow):
        return row
    try:
        fields = product_fields(row.cells, renames, media.resolve)
        if "product_id" not in fields:
            raise ValueError("no product_id (nor id, sku, asin); name its column with --map product_id=COLUMN")
    except (ValueError, RecursionError) as error:
        return RejectedRow(row.line, str(error))
    return listing_from_fields(fields), sum("url" in one for one in fields.get("images") or ())


def _query_and_product(cells: Mapping[str, Any]) -> tuple[str, list[str]] | None:
    query, product = (_first(cells, names) for names in (_QUERY_COLUMNS, _PRODUCT_COLUMNS))
    is_event = "type" in cells or "event_type" in cells
    return None if is_event or query is None or product is None else (str(query), [str(product)])


def _first(cells: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((cells[name] for name in names if cells.get(name)), None)


def _events(rows: Iterable[Row], say: Notify) -> Iterator[UserInteraction | UserSearched]:
    for outcome in shopper_events(rows, {}, EventClock()):
        if isinstance(outcome, PreparedEvent):
            data = outcome.event.data
            if isinstance(data, UserInteraction | UserSearched):
                yield data
        else:
            say(f"line {outcome.line}: {outcome.reason}")
