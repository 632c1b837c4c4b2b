"""What a workbook takes when it is read: much more than the file, where many cells share a long text."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from streams.errors import UnreadableFile

MAX_WORKBOOK_BYTES: Final = 400_000_000
"""What a workbook may unpack to, and what its cells may have of shared texts: a sheet is held as a whole."""
_TEXTS: Final = "xl/sharedStrings.xml"
_TEXT: Final = re.compile(rb"<(?:\w+:)?si[\s/>]")
_SHARED: Final = re.compile(rb"""\bt\s*=\s*["']s["'][^<]*<(?:\w+:)?v[^>]*>\s*(\d{1,9})""")
_OVERLAP: Final = 512
"""Bytes of a piece that are read with the next one, too: a cell may go on there."""


def check_size(path: Path, raw: BinaryIO, max_bytes: int = MAX_WORKBOOK_BYTES, piece_bytes: int = 1 << 20) -> None:
    """Refuse a workbook that unpacks to much more than it is.

    Args:
        path: for the message.
        raw: the file.
        max_bytes: what it may unpack to.
        piece_bytes: how much of a sheet is looked at at a time.

    Raises:
        UnreadableFile: it unpacks to more.
    """
    if zipfile.is_zipfile(raw):  # XLS is no archive
        with zipfile.ZipFile(raw) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked <= max_bytes and _TEXTS in archive.namelist():
                unpacked = max(unpacked, _shared_bytes(archive, max_bytes, piece_bytes))
    else:
        raw.seek(0, 2)
        unpacked = raw.tell()
    raw.seek(0)
    if unpacked > max_bytes:
        raise UnreadableFile(
            f"{path} unpacks to {unpacked // 10**6} MB, more than the {max_bytes // 10**6} MB that a workbook"
            " may; save it as CSV"
        )


def _shared_bytes(archive: zipfile.ZipFile, max_bytes: int, piece_bytes: int) -> int:
    """What the cells of the largest sheet have of texts that are written once for all; 0 where it cannot be much."""
    sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
    lengths = _lengths(archive)
    most_cells = max((archive.getinfo(name).file_size for name in sheets), default=0) // len('<c t="s"><v>0</v></c>')
    if most_cells * max(lengths, default=0) <= max_bytes:
        return 0
    return max(sum(lengths[at] for at in _texts_of(archive, name, piece_bytes) if at < len(lengths)) for name in sheets)


def _lengths(archive: zipfile.ZipFile) -> list[int]:
    """The length of each text, with its markup."""
    whole = archive.read(_TEXTS)
    starts = [match.start() for match in _TEXT.finditer(whole)]
    return [end - start for start, end in zip(starts, [*starts[1:], len(whole)], strict=True)]


def _texts_of(archive: zipfile.ZipFile, sheet: str, piece_bytes: int) -> Iterator[int]:
    """The numbers of the texts that a sheet's cells have."""
    with archive.open(sheet) as stream:
        rest = b""
        while piece := stream.read(piece_bytes):
            rest += piece
            done = 0
            for match in _SHARED.finditer(rest, 0, len(rest)):
                if match.end() < len(rest):
                    done = match.end()
                    yield int(match[1])
            rest = rest[max(done, len(rest) - _OVERLAP) :]
