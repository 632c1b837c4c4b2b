"""Tables that are directories of files: as Spark writes them, and as people put several exports side by side."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from streams.errors import UnreadableFile
from streams.files.bounded_reading import TABLE_SUFFIXES, unpacked_suffix
from streams.files.columns.names import is_known_column
from streams.files.encodings.detection import DetectedEncoding
from streams.files.formats.row import RejectedRow, Row, RowStream
from streams.files.platforms.profile import recognise, variants_alone
from streams.files.rows import Table

MAX_FILES: Final = 100_000
_NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"


class TableDirectory:
    """The files of a directory as one table, which can be read more than once.

    Files are read in the order of their names, products before a file of their variants. Those whose names begin with
    `_` or `.`, and those that are no tables, are passed over. `year=2026` in a path is a cell of the rows below it.
    """

    def __init__(self, path: Path, encoding: str | None, is_known: Callable[[str], bool]) -> None:
        """What a directory holds.

        Args:
            path: the directory.
            encoding: of its CSV files; None: found out for each.
            is_known: whether a text is a column's usual name.

        Raises:
            UnreadableFile: it holds no tables, or tables that are not of one kind.
        """
        self.path = path
        self._tables = {file: Table(file, encoding, is_known) for file in _files(path)}
        if not self._tables:
            raise UnreadableFile(f"{path} holds no file of a table; there are {', '.join(TABLE_SUFFIXES)}")
        self._columns: dict[Path, frozenset[str]] = {}
        self._firsts: list[int] = []
        """By how much the lines of each file are counted on."""

    def rows(self) -> RowStream:
        """The rows of all files, counted through. Raises `UnreadableFile`."""
        self._check_kinds()
        self._firsts = []
        before = 0
        for at, (file, table) in enumerate(self._tables.items()):
            self._firsts.append(before)
            partition, last = _partition(file.relative_to(self.path)), 0
            for row in table.rows():
                last = row.line
                if isinstance(row, RejectedRow):
                    yield RejectedRow(before + row.line, row.reason)
                else:
                    done = (at + row.fraction_read) / len(self._tables)
                    yield Row(before + row.line, partition | row.cells, done)
            before += last

    def columns(self) -> frozenset[str]:
        """The columns of its files, by their first rows. Raises `UnreadableFile`."""
        self._check_kinds()
        return frozenset[str]().union(*self._columns.values())

    def encodings(self) -> Iterator[tuple[Path, DetectedEncoding]]:
        """The encodings of the files that are not UTF-8. Raises `UnreadableFile`."""
        for table in self._tables.values():
            yield from table.encodings()

    def place(self, line: int) -> str:
        """Names the place of a line, for people."""
        at = max(bisect.bisect_left(self._firsts, line) - 1, 0)
        return f"{list(self._tables)[at].relative_to(self.path)}, line {line - self._firsts[at]}"

    def _check_kinds(self) -> None:
        """Order the files, once; raise where they are not of one kind."""
        if self._columns:
            return
        found = {file: table.columns() for file, table in self._tables.items()}
        ordered = sorted(found, key=lambda file: variants_alone(found[file]) is not None)
        self._tables = {file: self._tables[file] for file in ordered}
        self._columns = {file: found[file] for file in ordered}
        first = ordered[0]
        for file in ordered[1:]:
            if not _are_of_one_kind(found[first], found[file]):
                named = ", ".join(sorted(found[file] - found[first])[:5])
                raise UnreadableFile(
                    f"{self.path}: {file.relative_to(self.path)} has other columns ({named}) than"
                    f" {first.relative_to(self.path)}: publish tables of different kinds each by itself"
                )


def open_table(
    path: Path, encoding: str | None = None, is_known: Callable[[str], bool] = is_known_column
) -> Table | TableDirectory:
    """A file's table, or a directory's. Raises `UnreadableFile`."""
    return (TableDirectory if path.is_dir() else Table)(path, encoding, is_known)


def _are_of_one_kind(columns: Collection[str], others: Collection[str]) -> bool:
    """Whether two files share most columns, or are the products and the variants of one platform."""
    if not columns or not others or ((alone := variants_alone(others)) and alone == recognise(columns)):
        return True
    return 2 * len(set(columns) & set(others)) >= min(len(columns), len(others))


def _files(directory: Path) -> list[Path]:
    """The files of tables below a directory, by name. Raises `UnreadableFile` for one that is a link out of it."""
    found: list[Path] = []
    whole = directory.resolve()
    for file in directory.rglob("*"):
        names = file.relative_to(directory).parts
        if any(name.startswith(("_", ".")) for name in names) or not file.is_file():
            continue
        if file.suffix.lower() in (*TABLE_SUFFIXES, ".gz", ".zip") and unpacked_suffix(file) in TABLE_SUFFIXES:
            if not file.resolve().is_relative_to(whole):
                raise UnreadableFile(f"{file} leads out of {directory}: publish it by itself, or copy it here")
            found.append(file)
        if len(found) > MAX_FILES:
            raise UnreadableFile(f"{directory} holds over {MAX_FILES:,} files of tables")
    return sorted(found)


def _partition(file: Path) -> dict[str, str]:
    """`year=2026/month=1` as cells; a value that is none says nothing."""
    pairs = [part.partition("=") for part in file.parent.parts if "=" in part]
    return {unquote(name): unquote(value) for name, _, value in pairs if name and value != _NO_VALUE}
