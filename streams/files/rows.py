"""Rows of CSV, JSON Lines and Parquet files, read as a stream: never a whole file in memory."""

from __future__ import annotations

import codecs
import csv
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from streams.errors import UnreadableFile
from streams.files.bounded_reading import MAX_ROW_CHARS, MAX_VALUES, BoundedLines, OverlongRow, open_unpacked

MAX_HEADER_CHARS = 1_000_000
MAX_COLUMNS = 10_000
PARQUET_BATCH_ROWS = 64
MAX_BATCH_BYTES = 256_000_000
"""Of the rows of a Parquet file that are read at once: a dictionary may make much of little."""
DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        line: where it ends in a text file, or its number in a Parquet file; from 1.
        cells: by column name; a CSV's are all strings.
        fraction_read: of the file, 0 to 1.
    """

    line: int
    cells: dict[str, Any]
    fraction_read: float


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot be published, and why."""

    line: int
    reason: str


RowStream = Iterator[Row | RejectedRow]


def read_rows(path: Path, encoding: str | None = None) -> RowStream:
    """Read a file's rows by its extension: `.csv`, `.tsv`, `.jsonl`, `.ndjson` (each also `.gz`), `.parquet`.

    Args:
        path: the file.
        encoding: of a CSV; None: by its byte order mark, else UTF-8 if it is that throughout, else Windows-1252.

    Raises:
        UnreadableFile: when the file as a whole cannot be read; a bad row is yielded as a `RejectedRow` instead.
    """
    suffix = Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return _readable(path, lambda: _csv_rows(path, encoding or _csv_encoding(path)))
    if suffix in (".jsonl", ".ndjson"):
        return _readable(path, lambda: _json_rows(path))
    if suffix in (".parquet", ".pq"):
        return _readable(path, lambda: _parquet_rows(path))
    takes = ".csv, .tsv, .jsonl, .ndjson (also with .gz) and .parquet"
    raise UnreadableFile(f"{path}: unknown extension {suffix!r}; it takes {takes}")


def _readable(path: Path, read: Callable[[], RowStream]) -> RowStream:
    try:
        yield from read()
    except MemoryError as error:
        raise UnreadableFile(f"{path} needs more memory than reading a table may take") from error
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise UnreadableFile(f"{path} cannot be read: {error}") from error
    except (UnicodeError, LookupError) as error:
        raise UnreadableFile(f"{path}: {error}; name its encoding with --encoding") from error


def _csv_encoding(path: Path) -> str:
    stream, _ = open_unpacked(path)
    with stream:
        decoder = codecs.getincrementaldecoder("utf-8")()
        chunk = stream.read(1 << 20)
        if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        try:
            while chunk:
                decoder.decode(chunk)
                chunk = stream.read(1 << 20)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _csv_rows(path: Path, encoding: str) -> RowStream:
    csv.field_size_limit(MAX_ROW_CHARS)
    stream, done = open_unpacked(path)
    with stream, io.TextIOWrapper(stream, encoding, newline="") as text:
        first = text.readline(MAX_HEADER_CHARS)
        delimiter = max(DELIMITERS, key=first.count)
        columns = _columns(path, first, delimiter)
        lines = BoundedLines(text, delimiter)
        reader = csv.reader(lines, delimiter=delimiter)
        while True:
            lines.begin_row()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, OverlongRow) as error:
                yield RejectedRow(lines.line + 1, f"not CSV: {error}")
                # One that has stopped in the middle of a row would take what follows for the rest of it.
                reader = csv.reader(lines, delimiter=delimiter)
                continue
            if any(cells):
                yield _csv_row(lines.line + 1, columns, cells, done())


def _columns(path: Path, first: str, delimiter: str) -> list[str]:
    if len(first) == MAX_HEADER_CHARS or first.count(delimiter) >= MAX_COLUMNS:
        raise UnreadableFile(
            f"{path} has no usable header: its first line has over {MAX_HEADER_CHARS:,} characters or {MAX_COLUMNS:,}"
            " columns"
        )
    no_header: list[str] = []
    columns = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), no_header)]
    if not any(columns):
        raise UnreadableFile(f"{path} has no header: its first line must name the columns")
    twice = sorted(name for name, count in Counter(columns).items() if name and count > 1)
    if twice:
        raise UnreadableFile(f"{path} names a column more than once: {', '.join(twice)[:1_000]}")
    return columns


def _csv_row(line: int, columns: list[str], cells: list[str], done: float) -> Row | RejectedRow:
    if any(cells[len(columns) :]):
        return RejectedRow(line, f"{len(cells)} cells, but the header names {len(columns)} columns")
    return Row(line, {name: cell for name, cell in zip(columns, cells, strict=False) if name}, done)


def _json_rows(path: Path) -> RowStream:
    stream, done = open_unpacked(path)
    with stream:
        line = 0
        while raw := stream.readline(MAX_ROW_CHARS):
            line += 1
            if len(raw) == MAX_ROW_CHARS and not raw.endswith(b"\n"):
                while (rest := stream.readline(MAX_ROW_CHARS)) and not rest.endswith(b"\n"):
                    pass
                yield RejectedRow(line, f"longer than {MAX_ROW_CHARS:,} bytes")
            elif raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MAX_VALUES:
                yield RejectedRow(line, f"more than {MAX_VALUES:,} values")
            elif raw.strip():
                yield _json_row(line, raw.removeprefix(codecs.BOM_UTF8) if line == 1 else raw, done())


def _json_row(line: int, raw: bytes, done: float) -> Row | RejectedRow:
    try:
        # The standard library's parser, as it takes the NaN that Python programs write.
        cells = json.loads(raw)
    except UnicodeDecodeError:
        return RejectedRow(line, "not UTF-8")
    except (ValueError, RecursionError) as error:
        return RejectedRow(line, f"not JSON: {error}")
    if not isinstance(cells, dict):
        return RejectedRow(line, "not a JSON object")
    return Row(line, cast("dict[str, Any]", cells), done)


def _parquet_rows(path: Path) -> RowStream:
    with pq.ParquetFile(path) as file:
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
            for cells in batch.to_pylist():
                line += 1
                yield Row(line, cells, line / total)
