"""A row of a table, as every format's reader yields it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        line: where it ends in a text file, or its number in another; from 1.
        cells: by column name; a CSV's are all strings.
        fraction_read: of the file, 0 to 1.
    """

    line: int
    cells: dict[str, Any]
    fraction_read: float


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot be published, and why."""

    line: int
    reason: str


RowStream = Iterator[Row | RejectedRow]
