"""A file of products as events, read twice: once to see how its columns are written, once for its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from streams.files.columns import FileContext, ResolveMedia, convention_kinds, is_known_column
from streams.files.conventions.survey import Conventions
from streams.files.formats.row import RejectedRow, Row
from streams.files.notice import FileNotice
from streams.files.row_events import EventClock, PreparedEvent, product_events
from streams.files.rows import Table


class Catalogue:
    """A file of products."""

    def __init__(
        self,
        path: Path,
        encoding: str | None,
        renames: Mapping[str, str],
        conventions: Conventions,
        say: Callable[[str], None],
    ) -> None:
        """What a file is, and how it is read.

        Args:
            path: the file.
            encoding: of a CSV; None: found out.
            renames: our fields by the columns that mean them.
            conventions: how it writes prices and dates, as far as somebody said so.
            say: is told what was found out of the file.
        """
        self.notice = FileNotice()
        self._table = Table(path, encoding, lambda name: name in renames or is_known_column(name))
        self._renames = renames
        self._conventions = conventions
        self._say = say

    def events(self, resolve: ResolveMedia, clock: EventClock) -> Iterator[PreparedEvent | RejectedRow]:
        """The event of each row, or why there is none. Raises `UnreadableFile`."""
        if found := self._table.encoding:
            self._say(f"read as {found.name} (sure to {found.confidence:.1%}); --encoding says otherwise")
        self._survey()
        context = FileContext(self._conventions, self.notice)
        yield from product_events(self._table.rows(), self._renames, resolve, clock, context)

    def _survey(self) -> None:
        """See how all rows write prices and dates."""
        kinds: dict[str, str] = {}
        seen: set[str] = set()
        for row in self._table.rows():
            if isinstance(row, Row):
                if new := row.cells.keys() - seen:
                    seen |= new
                    kinds |= convention_kinds(new, self._renames)
                self._conventions.see(row.cells, kinds)
