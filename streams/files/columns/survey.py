"""What all rows of a file tell of how its columns write prices and dates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.files.columns.names import convention_kinds
from streams.files.conventions.survey import Conventions


class ColumnSurvey:
    """Sees rows go by."""

    def __init__(self, conventions: Conventions, renames: Mapping[str, str]) -> None:
        """Args: conventions: are learnt; renames: our fields by the columns that mean them."""
        self._conventions = conventions
        self._renames = renames
        self._kinds: dict[str, str] = {}
        self._seen: set[str] = set()

    def see(self, cells: Mapping[str, Any]) -> None:
        """Take the evidence of a row's cells."""
        if new := cells.keys() - self._seen:
            self._seen |= new
            self._kinds |= convention_kinds(new, self._renames)
        self._conventions.see(cells, self._kinds)
