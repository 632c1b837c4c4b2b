"""How a CSV is written: its delimiter, the lines above its header, its escapes; from how it begins."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

DELIMITERS: Final = ",;\t|"
HEAD_LINES: Final = 60
"""Lines that are looked at."""
MAX_TITLE_LINES: Final = 20
"""Lines that may stand above the header."""
_SEP: Final = re.compile(r"\ufeff?\"?sep=(.)\"?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """How a CSV is written.

    Attributes:
        delimiter: what parts cells.
        lines_above: lines above the header: `sep=`, titles, comments, empty ones.
        backslashes: whether `\\"` stands for a quote, as MySQL and Spark write it.
    """

    delimiter: str
    lines_above: int = 0
    backslashes: bool = False


def sniff_dialect(lines: Sequence[str], is_known: Callable[[str], bool]) -> CsvDialect:
    """The dialect of a file that begins with some lines.

    Args:
        lines: with their ends.
        is_known: whether a text is a column's usual name: a line with one is the header.
    """
    said = _SEP.fullmatch(lines[0]) if lines else None
    skipped = 1 if said else 0
    rest = lines[skipped:]
    best = max(said[1] if said else DELIMITERS, key=lambda delimiter: _fitness(rest, delimiter, is_known))
    text = "".join(rest)
    backslashes = '\\"' in text and not re.search(r'[^,;\t|\n"\\]""', text)
    return CsvDialect(best, skipped + _lines_above(rest, best, is_known), backslashes)


def _fitness(lines: Sequence[str], delimiter: str, is_known: Callable[[str], bool]) -> float:
    """How well a delimiter explains some lines: many columns, known ones, and rows that have as many cells."""
    rows = _parsed(lines[_lines_above(lines, delimiter, is_known) :], delimiter)
    if not rows:
        return 0.0
    width = len(rows[0])
    agreement = sum(len(row) == width for row in rows) / len(rows)
    return width * (0.5 + agreement) + 2 * sum(map(is_known, rows[0])) if width > 1 else 0.1


def _lines_above(lines: Sequence[str], delimiter: str, is_known: Callable[[str], bool]) -> int:
    """How many lines stand above the header: those with far fewer cells than what follows, and comments."""
    rows = [[cell.strip() for cell in (_parsed([line], delimiter) or [[]])[0]] for line in lines]
    for at, cells in enumerate(rows[:MAX_TITLE_LINES]):
        if sum(map(is_known, cells)) >= 2:
            return at
    for at, cells in enumerate(rows[:MAX_TITLE_LINES]):
        filled = sum(map(bool, cells))
        following = [len(row) for row in rows[at + 1 :] if any(row)]
        width = median(following) if following else 0
        is_comment = lines[at].lstrip("\ufeff ").startswith(("#", "//")) and filled < width
        is_title = filled <= max(1, width / 3) and width > 1 and not any(map(is_known, cells))
        if filled and not is_comment and not is_title:
            return at
    return 0


def _parsed(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return []
