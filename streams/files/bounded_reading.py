"""Files of unknown origin read within bounds: of what they unpack to, of a line, and of a row of several lines."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from streams.errors import UnreadableFile

MAX_ROW_CHARS = 16_000_000
"""Characters of a text file's row, or bytes of a line of JSON: more than any message takes, pictures in it included."""
MAX_VALUES = 100_000
"""Cells of a CSV's row, or values in a line of JSON, as far as the marks between them tell."""
UNSUSPECTED_BYTES = 256_000_000
"""A compressed file may unpack to so much without being judged by how much smaller it is."""
MAX_RATIO = 200
"""How many times its size a larger file may unpack to. Tables come to 5 to 50; what is made to be a bomb, to 1,000."""
_SKIPPED_CHARS = 1 << 20


class OverlongRow(Exception):
    """A row is longer than rows may be; reading may go on with the next line."""


class UnpackedFile(io.RawIOBase):
    """The bytes of a file, unpacked where its name ends in `.gz`. Raises `UnreadableFile` for a decompression bomb."""

    def __init__(self, path: Path, raw: BinaryIO) -> None:
        """Args: path: names the file; raw: the file as it is, which is closed with this one."""
        self._path = path
        self._raw = raw
        self._is_packed = path.suffix.lower() == ".gz"
        self._stream = gzip.GzipFile(fileobj=raw) if self._is_packed else raw
        self._size = max(path.stat().st_size, 1)
        self._unpacked = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, and return how many bytes there were."""
        count = cast("io.BufferedReader", self._stream).readinto(buffer)
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


def open_unpacked(path: Path) -> tuple[io.BufferedReader, Callable[[], float]]:
    """The file's bytes, and a function that says which fraction of it has been read."""
    unpacked = UnpackedFile(path, path.open("rb"))
    return io.BufferedReader(unpacked, 1 << 16), unpacked.fraction_read


class BoundedLines(Iterator[str]):
    """A text's lines, for a reader of rows that may go over several; raises `OverlongRow` for a row without end."""

    def __init__(self, text: TextIO, mark: str) -> None:
        """Args: mark: what parts cells; a row with too many of them is overlong, too."""
        self.line = 0
        """The number of the line read last, from 1."""
        self._text = text
        self._mark = mark
        self._chars = self._marks = 0

    def begin_row(self) -> None:
        """The next line is the first of a row."""
        self._chars = self._marks = 0

    def __next__(self) -> str:
        line = self._text.readline(MAX_ROW_CHARS + 1 - self._chars)
        if not line:
            raise StopIteration
        self.line += 1
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
