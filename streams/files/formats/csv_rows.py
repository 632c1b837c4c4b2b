"""Rows of a CSV. A row never has a cell in another's column: one whose quotes can be read two ways is rejected."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from streams.errors import UnreadableFile
from streams.files.bounded_reading import MAX_ROW_CHARS, BoundedLines, OverlongRow, Unpacked
from streams.files.formats.csv_dialect import HEAD_LINES, CsvDialect, sniff_dialect
from streams.files.formats.row import RejectedRow, Row, RowStream

MAX_HEADER_CHARS = 1_000_000
MAX_COLUMNS = 10_000
MAX_SNIFFED_CHARS = 20_000
MAX_REPAIRED_CHARS = 1_000_000
"""A longer row with broken quotes is rejected."""
_BROKEN = re.compile("[\udc80-\udcff]")
_ESCAPE = re.compile(r"\\[\\ntr0]")
_UNESCAPED = {"\\\\": "\\", "\\n": "\n", "\\t": "\t", "\\r": "\r", "\\0": ""}


def read_csv(path: Path, encoding: str, unpacked: Unpacked, is_known: Callable[[str], bool]) -> RowStream:
    """The rows of a CSV.

    Args:
        path: names it.
        encoding: of its text; bytes that are not UTF-8 reject their row alone, where it is `utf-8-sig`.
        unpacked: its bytes, and how far they are read.
        is_known: whether a text is a column's usual name.

    Raises:
        UnreadableFile: it has no usable header.
        UnicodeError: it is not in that encoding.
    """
    csv.field_size_limit(MAX_ROW_CHARS)
    stream, done = unpacked
    errors = "surrogateescape" if encoding == "utf-8-sig" else "strict"
    with stream, io.TextIOWrapper(stream, encoding, newline="", errors=errors) as text:
        head = _head(text)
        dialect = sniff_dialect([line[:MAX_SNIFFED_CHARS] for line in head], is_known)
        lines = BoundedLines(text, dialect.delimiter, head[dialect.lines_above :])
        lines.line = dialect.lines_above
        columns = _columns(path, lines, dialect)
        yield from _rows(lines, dialect, columns, done)


def _head(text: io.TextIOWrapper) -> list[str]:
    """The first lines; the last one may be but its beginning."""
    head: list[str] = []
    while len(head) < HEAD_LINES and sum(map(len, head)) < MAX_HEADER_CHARS:
        if not (line := text.readline(MAX_HEADER_CHARS)):
            break
        head.append(line)
    return head


def _rows(lines: BoundedLines, dialect: CsvDialect, columns: list[str], done: Callable[[], float]) -> RowStream:
    reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True)
    while True:
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, OverlongRow) as error:
            cells = _repaired(lines, dialect, columns) if isinstance(error, csv.Error) else None
            # One that has stopped in the middle of a row would take what follows for the rest of it.
            reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True)
            if cells is None:
                yield RejectedRow(lines.line, f"not CSV: {error}")
                continue
        else:
            if (len(cells) != len(columns) and _is_askew(cells, columns, lines)) or _has_backslashes(dialect, lines):
                cells = _repaired(lines, dialect, columns) or cells
        if any(cells):
            yield _row(lines, columns, cells, dialect, done())


def _has_backslashes(dialect: CsvDialect, lines: BoundedLines) -> bool:
    return dialect.backslashes and any('\\"' in line for line in lines.row)


def _is_askew(cells: list[str], columns: list[str], lines: BoundedLines) -> bool:
    """Whether a row's cells may be in others' columns: it has too many, or too few and quotes or escapes in it."""
    while len(cells) > len(columns) and not cells[-1]:
        cells = cells[:-1]
    if len(cells) == len(columns):
        return False
    return len(cells) > len(columns) or len(lines.row) > 1 or any('"' in line or "\\" in line for line in lines.row)


def _repaired(lines: BoundedLines, dialect: CsvDialect, columns: list[str]) -> list[str] | None:
    """The cells of a row with broken quotes, where some reading has one for each column; else None.

    What the row took of further lines for the end of a quoted cell is read anew, where it is not.
    """
    whole = _reading("".join(lines.row), dialect, columns)
    if len(lines.row) == 1:
        return whole
    first = _reading(lines.row[0], dialect, columns)
    next_is_a_row = _parse(lines.row[1], dialect.delimiter)
    if whole is not None and not (first and next_is_a_row and len(next_is_a_row) == len(columns)):
        return whole
    lines.give_back(1)
    return first


def _reading(text: str, dialect: CsvDialect, columns: list[str]) -> list[str] | None:
    """The cells of a row by the first reading that has one for each column."""
    if len(text) > MAX_REPAIRED_CHARS:
        return None
    for parse in (_parse_backslashed, _parse_escaped, _parse_inches):
        cells = parse(text.rstrip("\r\n"), dialect.delimiter)
        if cells is not None and len(cells) == len(columns):
            return cells
    return None


def _parse_backslashed(text: str, delimiter: str) -> list[str] | None:
    """`"12\\" screen"`: a quote after a backslash is a letter."""
    return _parse(text.replace('\\"', '""'), delimiter) if '\\"' in text else None


def _parse_escaped(text: str, delimiter: str) -> list[str] | None:
    """`red\\, blue` with no quotes: a delimiter after a backslash is a letter."""
    if f"\\{delimiter}" not in text or '"' in text:
        return None
    return [cell.replace("\0", delimiter) for cell in text.replace(f"\\{delimiter}", "\0").split(delimiter)]


def _parse_inches(text: str, delimiter: str) -> list[str] | None:
    """`"27" screen"`: a quote ends a cell only before a delimiter, and begins one only after it."""
    cells: list[str] = []
    at = 0
    while at <= len(text):
        ended = _quoted_cell(text, at, delimiter) if text.startswith('"', at) else None
        if ended is None:
            end = text.find(delimiter, at)
            ended = (text[at:], len(text)) if end < 0 else (text[at:end], end)
        cells.append(ended[0])
        at = ended[1] + 1
    return cells


def _quoted_cell(text: str, start: int, delimiter: str) -> tuple[str, int] | None:
    """A quoted cell and where it ends; None where its quote is never closed."""
    parts: list[str] = []
    at = start + 1
    while (quote := text.find('"', at)) >= 0:
        run = len(text) - quote - len(text[quote:].lstrip('"')) if text.startswith('""', quote) else 1
        parts.append(text[at:quote])
        at = quote + run
        if at == len(text) or text.startswith(delimiter, at):
            return "".join(parts) + '"' * (run // 2), at
        parts.append('"' * max(1, run // 2))
    return None


def _parse(text: str, delimiter: str) -> list[str] | None:
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _columns(path: Path, lines: Iterator[str], dialect: CsvDialect) -> list[str]:
    try:
        first = next(lines, "")
    except OverlongRow:
        first = " " * MAX_HEADER_CHARS
    if len(first) >= MAX_HEADER_CHARS or first.count(dialect.delimiter) >= MAX_COLUMNS:
        raise UnreadableFile(
            f"{path} has no usable header: its first line has over {MAX_HEADER_CHARS:,} characters or {MAX_COLUMNS:,}"
            " columns"
        )
    no_header: list[str] = []
    try:
        header = next(csv.reader(itertools.chain([first], lines), delimiter=dialect.delimiter), no_header)
    except (csv.Error, OverlongRow) as error:
        raise UnreadableFile(f"{path} has no usable header: {error}") from error
    return usable_columns(path, header)


def usable_columns(path: Path, header: list[str]) -> list[str]:
    """A header's names. Raises `UnreadableFile` where it has none, or one twice."""
    columns = [" ".join(name.replace("\ufeff", "").split()) for name in header]
    while columns and not columns[-1]:
        columns.pop()
    if not any(columns):
        raise UnreadableFile(f"{path} has no header: its first line must name the columns")
    twice = sorted(name for name, count in Counter(columns).items() if name and count > 1)
    if twice:
        raise UnreadableFile(f"{path} names a column more than once: {', '.join(twice)[:1_000]}")
    return columns


def _row(
    lines: BoundedLines, columns: list[str], cells: list[str], dialect: CsvDialect, done: float
) -> Row | RejectedRow:
    if len(cells) > len(columns) and any(cells[len(columns) :]):
        return RejectedRow(lines.line, f"{len(cells)} cells, but the header names {len(columns)} columns")
    if not all(map(str.isascii, lines.row)) and any(map(_BROKEN.search, cells)):
        return RejectedRow(lines.line, "not UTF-8")
    if dialect.backslashes:
        cells = ["" if cell == "\\N" else _ESCAPE.sub(lambda found: _UNESCAPED[found[0]], cell) for cell in cells]
    return Row(lines.line, {name: cell for name, cell in zip(columns, cells, strict=False) if name}, done)
