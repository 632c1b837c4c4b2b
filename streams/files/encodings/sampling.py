"""The encoding of a file: UTF-8 where all or nearly all of it is, else by a sample of its lines."""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import Final

from streams.files.bounded_reading import open_unpacked
from streams.files.encodings.detection import DetectedEncoding, detect_encoding, utf16_without_mark

SAMPLE_BYTES: Final = 200_000
"""Of lines with bytes beyond ASCII."""
LEAST_UTF8_LINES: Final = 0.8
"""Of these, where a file is UTF-8 with some broken lines, which are rejected."""
_CHUNK: Final = 1 << 20


def file_encoding(path: Path) -> DetectedEncoding:
    """The encoding of a CSV; its lines are read as far as that takes."""
    stream, _ = open_unpacked(path)
    with stream:
        head = stream.peek(_CHUNK)[:_CHUNK]
        marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF8))
        if marked or utf16_without_mark(head):
            return detect_encoding(head, b"")
        if _is_utf8(stream):
            return DetectedEncoding("utf-8-sig")
    stream, _ = open_unpacked(path)
    with stream:
        lines = _telling_lines(stream)
    valid = sum(map(_decodes, lines))
    if len(lines) > 1 and valid >= LEAST_UTF8_LINES * len(lines):
        return DetectedEncoding("utf-8-sig")
    return detect_encoding(head, b"".join(lines))


def _is_utf8(stream: io.BufferedReader) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := stream.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _telling_lines(stream: io.BufferedReader) -> list[bytes]:
    """Lines with bytes beyond ASCII, without the pieces of over-long ones."""
    lines: list[bytes] = []
    size = 0
    while size < SAMPLE_BYTES and (line := stream.readline(_CHUNK)):
        if not line.isascii() and len(line) < _CHUNK:
            lines.append(line)
            size += len(line)
    return lines


def _decodes(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
