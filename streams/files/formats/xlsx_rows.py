"""Rows of a workbook: of its first sheet with a header, lines above which are passed over."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from streams.errors import UnreadableFile
from streams.files.formats.csv_dialect import MAX_TITLE_LINES
from streams.files.formats.csv_rows import usable_columns
from streams.files.formats.row import RejectedRow, Row, RowStream
from streams.files.formats.workbook_size import check_size
from streams.files.formats.workbook_trial import check_memory


def read_workbook(path: Path, open_file: Callable[[], BinaryIO], is_known: Callable[[str], bool]) -> RowStream:
    """The rows of a workbook (XLSX, XLS, ODS).

    Raises:
        UnreadableFile: it is no workbook, has no header, unpacks to too much, or takes too much memory.
    """
    with open_file() as raw:
        check_size(path, raw)
        check_memory(path, raw)
        try:
            workbook = CalamineWorkbook.from_filelike(raw)
            sheets = (workbook.get_sheet_by_name(name) for name in workbook.sheet_names)
            sheet = next((sheet for sheet in sheets if sheet.height > 1), None)
        except (CalamineError, ValueError) as error:
            raise UnreadableFile(f"{path} is no workbook that can be read: {error}") from error
        if sheet is None or sheet.start is None:
            raise UnreadableFile(f"{path} has no sheet with a header and rows below it")
        yield from _sheet_rows(path, sheet, sheet.start[0], is_known)


def _sheet_rows(path: Path, sheet: CalamineSheet, first: int, is_known: Callable[[str], bool]) -> RowStream:
    """The rows below the header. They become Python's objects one at a time, which takes half the memory."""
    rows = itertools.islice(enumerate(sheet.iter_rows(), start=1), first, None)
    head = list(itertools.islice(rows, MAX_TITLE_LINES))
    header = _header_row([cells for _, cells in head], is_known)
    columns = usable_columns(path, [str(cell) for cell in head[header][1]])
    for line, cells in itertools.chain(head[header + 1 :], rows):
        yield from _row(line, columns, cells, line / (first + sheet.height))


def _row(line: int, columns: Sequence[str], cells: Sequence[Any], done: float) -> RowStream:
    if any(cell != "" for cell in cells[len(columns) :]):
        yield RejectedRow(line, f"{len(cells)} cells, but the header names {len(columns)} columns")
    elif any(cell != "" for cell in cells):
        named = zip(columns, map(_plain, cells), strict=False)
        yield Row(line, {name: cell for name, cell in named if name}, done)


def _plain(cell: Any) -> Any:
    """A number of the workbook as an integer where it is one: it has no others than floats."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53 else cell


def _header_row(sheet: Sequence[Sequence[Any]], is_known: Callable[[str], bool]) -> int:
    rows = [[str(cell) for cell in row if cell != ""] for row in sheet]
    named = [at for at, row in enumerate(rows) if sum(map(is_known, row)) >= 2]
    widest = max(map(len, rows), default=0)
    wide = [at for at, row in enumerate(rows) if len(row) > max(1, widest / 3)]
    return next(iter([*named, *wide]), 0)
