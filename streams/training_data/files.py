"""Training data from files of products, as `vitrine publish products` reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from encoders.training.data.listings import TrainingListing, make_listing
from indexer.rows import embedding_text
from streams.errors import NoCatalogue
from streams.files.columns.fields import FileContext, product_fields
from streams.files.columns.survey import ColumnSurvey
from streams.files.local_media import LocalMedia
from streams.files.rows import RejectedRow, Row, read_rows

_FILE_NAMES: Final = ("products", "catalog", "catalogue")
_SUFFIXES: Final = (".jsonl", ".ndjson", ".jsonl.gz", ".csv", ".tsv", ".csv.gz", ".parquet")


def catalogue_file(path: Path) -> Path:
    """The file of products: the path itself if it is a file, else the first of the usual names in that directory.

    Raises:
        NoCatalogue: the directory has none.
    """
    if path.is_file():
        return path
    for file in (path / f"{name}{suffix}" for name in _FILE_NAMES for suffix in _SUFFIXES):
        if file.is_file():
            return file
    raise NoCatalogue(f"{path} has no products file: name it products.jsonl, .csv or .parquet, or give its path")


def read_listings(
    file: Path, images: Path | None, renames: Mapping[str, str], encoding: str | None, notify: Callable[[str], None]
) -> list[TrainingListing]:
    """The products of a file; of several rows for one product the last counts.

    Args:
        file: CSV, JSON Lines or Parquet.
        images: where the paths of pictures start.
        renames: our fields by the columns that mean them.
        encoding: of a CSV; None: found out.
        notify: is told of rows that cannot be read, and of pictures that are only addresses.

    Raises:
        UnreadableFile: the file as a whole cannot be read.
    """
    media, context = LocalMedia(images), FileContext()
    survey = ColumnSurvey(context.conventions, renames)
    for row in read_rows(file, encoding):
        if isinstance(row, Row):
            survey.see(row.cells)
    listings: dict[str, TrainingListing] = {}
    remote_pictures = 0
    for row in read_rows(file, encoding):
        outcome = _listing(row, renames, media, context)
        if isinstance(outcome, RejectedRow):
            notify(f"line {outcome.line}: {outcome.reason}")
            continue
        listing, remote = outcome
        remote_pictures += remote
        listings[listing.product_id] = listing
    if remote_pictures:
        notify(
            f"{remote_pictures:,} pictures are addresses, which training does not fetch; with --images, paths are read"
        )
    return list(listings.values())


def _listing(
    row: Row | RejectedRow, renames: Mapping[str, str], media: LocalMedia, context: FileContext
) -> tuple[TrainingListing, int] | RejectedRow:
    """The listing of a row, and how many of its pictures are only addresses."""
    if isinstance(row, RejectedRow):
        return row
    try:
        fields = product_fields(row.cells, renames, media.resolve, context)
        if "product_id" not in fields:
            raise ValueError("no product_id (nor id, sku, asin); name its column with --map product_id=COLUMN")
    except (ValueError, RecursionError) as error:
        return RejectedRow(row.line, str(error))
    images: list[Mapping[str, Any]] = fields.get("images") or []
    inline = [image["data"] for image in images if "data" in image]
    return make_listing(fields, embedding_text(fields), inline), len(images) - len(inline)
