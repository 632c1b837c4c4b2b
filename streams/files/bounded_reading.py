"""Files of unknown origin read within bounds: of what they unpack to, of a line, and of a row of several lines."""

from __future__ import annotations

import gzip
import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from streams.errors import UnreadableFile

MAX_ROW_CHARS = 16_000_000
"""Characters of a text file's row, or bytes of a line of JSON: more than any message takes, pictures in it included."""
MAX_VALUES = 100_000
"""Cells of a CSV's row, or values in a line of JSON, as far as the marks between them tell."""
PACKED_SUFFIXES = (".gz", ".zip")
TABLE_SUFFIXES = (
    ".csv",
    ".tsv",
    ".txt",
    ".jsonl",
    ".ndjson",
    ".json",
    ".xml",
    ".rss",
    ".parquet",
    ".pq",
    ".xlsx",
    ".xls",
    ".ods",
)
UNSUSPECTED_BYTES = 256_000_000
"""A compressed file may unpack to so much without being judged by how much smaller it is."""
MAX_RATIO = 200
"""How many times its size a larger file may unpack to. Tables come to 5 to 50; what is made to be a bomb, to 1,000."""
MAX_REREAD_CHARS = 64_000_000
"""Characters of rows with broken quotes that are read anew."""
_SKIPPED_CHARS = 1 << 20
_STREAMED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Methods that unpack as much as is asked for; by the others, some kilobytes become hundreds of megabytes at once."""


class OverlongRow(Exception):
    """A row is longer than rows may be; reading may go on with the next line."""


class UnpackedFile(io.RawIOBase):
    """A file's bytes, unpacked where its name ends in `.gz` or `.zip`. Raises `UnreadableFile` for a bomb."""

    def __init__(self, path: Path, raw: BinaryIO) -> None:
        """Args: path: names the file; raw: the file as it is, which is closed with this one."""
        self._path = path
        self._raw = raw
        self._is_packed = path.suffix.lower() in PACKED_SUFFIXES
        self._stream: Any = _unpacking(path, raw)
        self._size = max(path.stat().st_size, 1)
        self._unpacked = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, and return how many bytes there were."""
        count: int = self._stream.readinto(buffer)
        self._unpacked += count
        if self._is_packed and self._unpacked > max(UNSUSPECTED_BYTES, MAX_RATIO * self._size):
            raise UnreadableFile(
                f"{self._path} unpacks to over {self._unpacked // 10**6} MB, more than {MAX_RATIO} times its size, as"
                " no table does; unpack it first where it is one"
            )
        return count

    def fraction_read(self) -> float:
        """How much of it has been read, by compressed size, 0 to 1."""
        return min(self._raw.tell() / self._size, 1.0)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._raw.close()
        super().close()


Unpacked = tuple[io.BufferedReader, Callable[[], float]]
"""A file's bytes, and a function that says which fraction of it has been read."""


def open_unpacked(path: Path) -> Unpacked:
    """The file's bytes, and a function that says which fraction of it has been read."""
    unpacked = UnpackedFile(path, path.open("rb"))
    return io.BufferedReader(unpacked, 1 << 16), unpacked.fraction_read


def open_seekable(path: Path) -> BinaryIO:
    """The file's bytes for readers that go to and fro; a packed one is unpacked into a temporary file."""
    if path.suffix.lower() not in PACKED_SUFFIXES:
        return path.open("rb")
    stream, _ = open_unpacked(path)
    with stream:
        whole = tempfile.TemporaryFile()  # noqa: SIM115, closed by who asked for it
        shutil.copyfileobj(stream, whole, 1 << 20)
        whole.seek(0)
        return cast("BinaryIO", whole)


def unpacked_suffix(path: Path) -> str:
    """The extension of a file, of what is in it where it is packed; in lower case, with its dot."""
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return Path(path.stem).suffix.lower()
    if suffix == ".zip":
        try:
            with path.open("rb") as raw, _archive(path, raw) as archive:
                return Path(_only_table(path, archive)).suffix.lower()
        except (OSError, ValueError, NotImplementedError) as error:
            raise UnreadableFile(f"{path} cannot be read: {error}") from error
    return suffix


def _unpacking(path: Path, raw: BinaryIO) -> Any:
    if path.suffix.lower() == ".gz":
        return gzip.GzipFile(fileobj=raw)
    if path.suffix.lower() == ".zip":
        archive = _archive(path, raw)
        table = archive.getinfo(_only_table(path, archive))
        if table.compress_type not in _STREAMED:
            raise UnreadableFile(f"{path} is not packed by deflate, as ZIP files are; unpack it first")
        return archive.open(table)
    return raw


def _archive(path: Path, raw: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(raw)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableFile(f"{path} cannot be read: {error}") from error


def _only_table(path: Path, archive: zipfile.ZipFile) -> str:
    """The one file of a table in an archive."""
    names = [name for name in archive.namelist() if not name.startswith("__MACOSX/") and not name.endswith("/")]
    tables = [name for name in names if Path(name).suffix.lower() in TABLE_SUFFIXES]
    if len(tables) != 1:
        held = ", ".join(tables[:10]) or "none"
        raise UnreadableFile(
            f"{path} must hold one table, and holds {held}; unpack it, and publish the directory, or each by itself"
        )
    return tables[0]


class BoundedLines(Iterator[str]):
    """A text's lines, for a reader of rows that may go over several; raises `OverlongRow` for a row without end.

    A row's lines may be given back, to be read anew: as often as does not read the file many times over.
    """

    def __init__(self, text: TextIO, mark: str, ahead: Sequence[str] = ()) -> None:
        """Args: mark: what parts cells; a row with too many is overlong, too; ahead: lines that were read already."""
        self.line = 0
        """The number of the line read last, from 1."""
        self.row: list[str] = []
        """The lines of the row that is being read."""
        self._text = text
        self._mark = mark
        self._again = list(reversed(ahead))
        self._chars = self._marks = 0
        self._chars_to_reread = MAX_REREAD_CHARS

    def begin_row(self) -> None:
        """The next line is the first of a row."""
        self._chars = self._marks = 0
        self.row = []

    def give_back(self, kept: int) -> bool:
        """Give back the row's lines but for the first `kept`; False, and nothing done, where it was done too often."""
        rest = self.row[kept:]
        self._chars_to_reread -= sum(map(len, rest))
        if self._chars_to_reread < 0:
            return False
        self._again += reversed(rest)
        self.line -= len(rest)
        self.row = self.row[:kept]
        return True

    def __next__(self) -> str:
        line = self._again.pop() if self._again else ""
        if not line.endswith("\n"):
            line += self._text.readline(max(0, MAX_ROW_CHARS + 1 - self._chars - len(line)))
        if not line:
            raise StopIteration
        self.line += 1
        self.row.append(line)
        self._chars += len(line)
        self._marks += line.count(self._mark)
        if self._chars > MAX_ROW_CHARS:
            self._skip_rest(line)
            raise OverlongRow(f"longer than {MAX_ROW_CHARS:,} characters; is a quote left open?")
        if self._marks > MAX_VALUES:
            raise OverlongRow(f"more than {MAX_VALUES:,} cells")
        return line

    def _skip_rest(self, line: str) -> None:
        while line and not line.endswith("\n"):
            line = self._text.readline(_SKIPPED_CHARS)
