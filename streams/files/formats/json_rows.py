"""Rows of JSON Lines, and of a JSON document: an array of objects, or an object that has one."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from streams.errors import UnreadableFile
from streams.files.bounded_reading import MAX_ROW_CHARS, MAX_VALUES, Unpacked
from streams.files.formats.row import RejectedRow, Row, RowStream

_READ_CHARS: Final = 1 << 20
_ARRAY: Final = re.compile(
    r'\s*(?:\{\s*(?:"[^"\\]{1,64}"\s*:\s*(?:"[^"\\]*"|[-\d.eE]+|true|false|null)\s*,\s*)*'
    r'"(?:products|items|data|results|@graph|itemListElement|records|rows)"\s*:\s*)?\[\s*'
)
"""What stands before the first object of a document's array: nothing, or an object's scalars and the array's name."""
_BETWEEN: Final = re.compile(r"[\s,]*")


def read_json_lines(unpacked: Unpacked) -> RowStream:
    """A row a line; a line that is no object of JSON is rejected."""
    stream, done = unpacked
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


def read_json_document(path: Path, unpacked: Unpacked) -> RowStream:
    """A row an object of the document's array, never the whole document at once; a single object is one row.

    Raises:
        UnreadableFile: it has no array of objects, or breaks off.
    """
    stream, done = unpacked
    with stream, io.TextIOWrapper(stream, "utf-8-sig") as text:
        buffer = text.read(_READ_CHARS)
        found = _ARRAY.match(buffer)
        at = found.end() if found else 0
        for number, value in enumerate(_values(path, text, buffer[at:], is_array=found is not None), start=1):
            if isinstance(value, dict):
                yield Row(number, cast("dict[str, Any]", value), done())
            else:
                yield RejectedRow(number, "not a JSON object")


def _values(path: Path, text: io.TextIOWrapper, buffer: str, *, is_array: bool) -> Iterator[Any]:
    """The values of an array, or of a document without one."""
    decoder, wanted, more = json.JSONDecoder(), _READ_CHARS, True
    while True:
        buffer = buffer[cast("re.Match[str]", _BETWEEN.match(buffer)).end() :]
        if buffer.startswith("]") if is_array else not (buffer or more):
            return
        value, end, fault = _decoded(decoder, buffer)
        if end and (end < len(buffer) or not more):  # a number may go on
            yield value
            buffer, wanted = buffer[end:], _READ_CHARS
            continue
        if not more or len(buffer) > MAX_ROW_CHARS:
            raise UnreadableFile(f"{path} is no JSON that can be read: {fault or 'an object is too long'}")
        # Twice as much each time: an object that takes many reads is not begun anew as often.
        piece = text.read(wanted)
        more, buffer, wanted = bool(piece), buffer + piece, wanted * 2


def _decoded(decoder: json.JSONDecoder, buffer: str) -> tuple[Any, int, Exception | None]:
    """The value that a text begins with and where it ends; 0 and why where there is none, or not all of it."""
    try:
        return *decoder.raw_decode(buffer), None
    except (ValueError, RecursionError) as error:
        return None, 0, error


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
