"""Rows of tables in files, read as a stream: never a whole file in memory, but for a workbook's sheet."""

from __future__ import annotations

import functools
import itertools
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from streams.errors import UnreadableFile
from streams.files.bounded_reading import TABLE_SUFFIXES, open_seekable, open_unpacked, unpacked_suffix
from streams.files.columns.names import is_known_column
from streams.files.encodings.detection import LEAST_CONFIDENCE, DetectedEncoding
from streams.files.encodings.sampling import file_encoding
from streams.files.formats.csv_rows import read_csv
from streams.files.formats.json_rows import read_json_document, read_json_lines
from streams.files.formats.row import RejectedRow, Row, RowStream

__all__ = ["RejectedRow", "Row", "RowStream", "Table", "read_rows"]


_ROWS_OF_COLUMNS = 20
"""Rows by which a table's columns are told: objects of JSON do not all have the same."""


class Table:
    """A file of rows, which can be read more than once."""

    def __init__(
        self, path: Path, encoding: str | None = None, is_known: Callable[[str], bool] = is_known_column
    ) -> None:
        """What a file is.

        Args:
            path: read by its extension.
            encoding: of a CSV; None: found out.
            is_known: whether a text is a column's usual name.

        Raises:
            UnreadableFile: no table has such an extension, or it is no file but a pipe or a device.
        """
        if path.exists() and not path.is_file():
            raise UnreadableFile(f"{path} is no regular file, which is read more than once; write it to one first")
        self.path = path
        if (suffix := unpacked_suffix(path)) not in TABLE_SUFFIXES:
            takes = f"{', '.join(TABLE_SUFFIXES)}, and each with .gz or in a .zip"
            raise UnreadableFile(f"{path}: unknown extension {suffix!r}; it takes {takes}")
        self._encoding = encoding
        self._is_known = is_known

    def rows(self) -> RowStream:
        """The rows, from the first.

        Raises:
            UnreadableFile: the file as a whole cannot be read; a bad row is yielded as a `RejectedRow` instead.
        """
        with self._translated_errors():
            yield from self._rows()

    def columns(self) -> frozenset[str]:
        """Its columns, by its first rows. Raises `UnreadableFile`."""
        rows = (row for row in self.rows() if isinstance(row, Row))
        return frozenset(column for row in itertools.islice(rows, _ROWS_OF_COLUMNS) for column in row.cells)

    def encodings(self) -> Iterator[tuple[Path, DetectedEncoding]]:
        """The file's, where it is not UTF-8. Raises `UnreadableFile`."""
        if found := self.encoding:
            yield self.path, found

    def place(self, line: int) -> str:
        """Names the place of a line, for people."""
        return f"line {line}"

    @functools.cached_property
    def encoding(self) -> DetectedEncoding | None:
        """A CSV's encoding, where it is not UTF-8 and was not said; else None.

        Raises:
            UnreadableFile: no encoding is sure enough.
        """
        if self._encoding or unpacked_suffix(self.path) not in (".csv", ".tsv", ".txt"):
            return None
        with self._translated_errors():
            found = file_encoding(self.path)
        if found.confidence < LEAST_CONFIDENCE:
            raise UnreadableFile(
                f"{self.path} is not UTF-8, and may be {' or '.join(filter(None, (found.name, found.second)))}"
                f" (sure to {found.confidence:.0%}, where {LEAST_CONFIDENCE:.0%} is asked); name it with --encoding"
            )
        return None if found.name.startswith("utf-8") else found

    @contextmanager
    def _translated_errors(self) -> Generator[None]:
        try:
            yield
        except MemoryError as error:
            raise UnreadableFile(f"{self.path} needs more memory than reading a table may take") from error
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, pa.ArrowException) as error:
            raise UnreadableFile(f"{self.path} cannot be read: {error}") from error
        except (UnicodeError, LookupError) as error:
            raise UnreadableFile(f"{self.path}: {error}; name its encoding with --encoding") from error

    def _rows(self) -> RowStream:
        suffix = unpacked_suffix(self.path)
        open_file = functools.partial(open_seekable, self.path)
        if suffix in (".csv", ".tsv", ".txt"):
            encoding = self._encoding or (self.encoding.name if self.encoding else "utf-8-sig")
            return read_csv(self.path, encoding, open_unpacked(self.path), self._is_known)
        if suffix in (".jsonl", ".ndjson"):
            return read_json_lines(open_unpacked(self.path))
        if suffix == ".json":
            return read_json_document(self.path, open_unpacked(self.path))
        if suffix in (".xml", ".rss"):
            from streams.files.formats.xml_rows import read_xml

            return read_xml(self.path, open_unpacked(self.path))
        if suffix in (".parquet", ".pq"):
            from streams.files.formats.parquet_rows import read_parquet

            return read_parquet(self.path, open_file)
        from streams.files.formats.xlsx_rows import read_workbook

        return read_workbook(self.path, open_file, self._is_known)


def read_rows(path: Path, encoding: str | None = None) -> RowStream:
    """Read a file's rows by its extension.

    Args:
        path: the file.
        encoding: of a CSV; None: by its byte order mark, as UTF-8, or by what makes sense of it.

    Raises:
        UnreadableFile: when the file as a whole cannot be read; a bad row is yielded as a `RejectedRow` instead.
    """
    return Table(path, encoding).rows()
