"""A backup of the index as a catalogue: the products that `vitrine export` wrote, exactly as they were.

A product keeps its version: published where it came from, it changes nothing, and nothing newer is undone by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from indexer.backup.format import HEADER_KEY
from streams.errors import UnreadableFile
from streams.events.schema import Product
from streams.files.formats.row import RejectedRow, Row, RowStream
from streams.files.notice import FileNotice
from streams.files.prepared_events import EventClock, PreparedEvent, prepared_event, prepared_events

_COLUMNS: Final = ["product_id", "version", "deleted", "fields"]
_MEDIA: Final = ("images", "videos", "audios")


def is_backup(path: Path) -> bool:
    """Whether a file is one; one that is no Parquet is none."""
    if not path.is_file() or path.suffix.lower() not in (".parquet", ".pq"):
        return False
    try:
        with pq.ParquetFile(cast("Any", path)) as file:
            return HEADER_KEY in (file.schema_arrow.metadata or {})
    except (OSError, pa.ArrowException):
        return False


def backup_events(path: Path, clock: EventClock, notice: FileNotice) -> Iterator[PreparedEvent | RejectedRow]:
    """The `product.created` of each product that was not deleted. Raises `UnreadableFile`."""
    return prepared_events(_rows(path), lambda row: _event(row, clock, notice))


def _rows(path: Path) -> RowStream:
    try:
        with pq.ParquetFile(cast("Any", path)) as file:
            total, line = max(file.metadata.num_rows, 1), 0
            for batch in file.iter_batches(1_024, columns=_COLUMNS):
                for cells in batch.to_pylist():
                    line += 1
                    if not cells["deleted"]:
                        yield Row(line, cells, line / total)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise UnreadableFile(f"{path} cannot be read: {error}") from error


def _event(row: Row, clock: EventClock, notice: FileNotice) -> PreparedEvent:
    fields = msgspec.json.decode(row.cells["fields"], type=dict[str, Any])
    for name in _MEDIA:
        stored = [item for item in fields.get(name, ()) if "hash" in item]
        notice.left_out += len(stored)
        if stored:
            fields[name] = [item for item in fields[name] if item not in stored]
    identity = {"product_id": row.cells["product_id"], "version": row.cells["version"]}
    data = msgspec.convert({**fields, **identity}, Product)
    notice.published(fields)
    return prepared_event(row, "product.created", data, clock.next_time_ms(data.product_id))
