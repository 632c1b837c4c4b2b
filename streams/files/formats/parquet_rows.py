"""Rows of Parquet files, as Spark and pandas write them: maps, decimals, nanoseconds, lists of structs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
import pyarrow
import pyarrow.parquet as pq

from streams.errors import UnreadableFile
from streams.files.formats.csv_rows import MAX_COLUMNS
from streams.files.formats.row import Row, RowStream

PARQUET_BATCH_ROWS = 64
MAX_BATCH_BYTES = 256_000_000
"""Of the rows of a Parquet file that are read at once: a dictionary may make much of little."""
pa: Final[Any] = pyarrow
_INDEX_COLUMNS: Final = "__index_level_"
"""What pandas calls the columns of its index."""


def read_parquet(path: Path, open_file: Callable[[], BinaryIO]) -> RowStream:
    """The rows of a Parquet file. Raises `UnreadableFile` for absurd columns or sizes."""
    with open_file() as raw, pq.ParquetFile(cast("Any", raw)) as file:
        if (columns := file.metadata.num_columns) > MAX_COLUMNS:
            raise UnreadableFile(f"{path} has {columns:,} columns, more than {MAX_COLUMNS:,}")
        total = max(file.metadata.num_rows, 1)
        line = 0
        for batch in file.iter_batches(PARQUET_BATCH_ROWS):
            if batch.nbytes > MAX_BATCH_BYTES:
                raise UnreadableFile(
                    f"{path}: rows {line + 1:,} to {line + batch.num_rows:,} have {batch.nbytes // 10**6} MB, more than"
                    f" the {MAX_BATCH_BYTES // 10**6} MB that {PARQUET_BATCH_ROWS} rows may have"
                )
            for cells in _plain_rows(batch):
                line += 1
                yield Row(line, cells, line / total)


def _plain_rows(batch: Any) -> list[dict[str, Any]]:
    names = [name for name in batch.schema.names if not name.startswith(_INDEX_COLUMNS)]
    columns: list[list[Any]] = []
    for name in names:
        column = batch.column(name)
        wanted = _without_nanoseconds(column.type)
        column = column if wanted == column.type else column.cast(wanted, safe=False)
        columns.append([_plain(value, wanted) for value in column.to_pylist()])
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _without_nanoseconds(kind: Any) -> Any:
    """A type whose times Python has: of microseconds."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz) if kind.unit == "ns" else kind
    if pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_time64(kind):
        return pa.time64("us")
    if pa.types.is_map(kind):
        return pa.map_(kind.key_type, _without_nanoseconds(kind.item_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_without_nanoseconds(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(inner.name, _without_nanoseconds(inner.type)) for inner in kind.fields])
    return kind


def _plain(value: Any, kind: Any) -> Any:
    """A value with its maps as dicts, and its single floats as the decimals that they were."""
    if value is None:
        return None
    if pa.types.is_map(kind):
        pairs = cast("list[tuple[Any, Any]]", value)
        return {str(key): _plain(inner, kind.item_type) for key, inner in pairs}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_plain(inner, kind.value_type) for inner in value]
    if pa.types.is_struct(kind):
        return {inner.name: _plain(value[inner.name], inner.type) for inner in kind.fields}
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        return float(str(np.float32(value)))
    return value
