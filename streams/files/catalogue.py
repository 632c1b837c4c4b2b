"""A file of products as events, read twice: once to see what its columns are and how they write, once for its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from streams.errors import UnreadableFile
from streams.files.backup_rows import backup_events, is_backup
from streams.files.columns.fields import FileContext, ResolveMedia
from streams.files.columns.names import is_known_column
from streams.files.columns.survey import ColumnSurvey
from streams.files.conventions.survey import Conventions
from streams.files.formats.row import RejectedRow, Row, RowStream
from streams.files.notice import FileNotice
from streams.files.platforms.assembly import Assembler
from streams.files.platforms.profile import (
    NAMES,
    known_columns,
    load_profile,
    plain_name,
    recognise,
    variants_alone,
)
from streams.files.platforms.translation import TranslatedRow, Translator
from streams.files.prepared_events import EventClock, PreparedEvent, valid_product_id
from streams.files.product_rows import merged_product_events, product_events
from streams.files.table_directory import open_table

T = TypeVar("T", bound=TranslatedRow | Row | RejectedRow)


class Catalogue:
    """A file of products, or a directory of such."""

    def __init__(
        self,
        path: Path,
        encoding: str | None,
        renames: Mapping[str, str],
        conventions: Conventions,
        say: Callable[[str], None],
        platform: str | None = None,
    ) -> None:
        """What a file is, and how it is read.

        Args:
            path: the file.
            encoding: of a CSV; None: found out.
            renames: our fields by the columns that mean them.
            conventions: how it writes prices and dates, as far as somebody said so.
            say: is told what was found out of the file.
            platform: whose export it is, one of `NAMES`; empty: no platform's; None: found out by its columns.
        """
        self.notice = FileNotice()
        self.product_ids: set[str] = set()
        """Those that were published so far."""
        self.hidden_ids: set[str] = set()
        """Drafts, hidden and unpublished ones so far; they are nobody's events yet."""
        self.rejected = 0
        """Rows so far."""
        self.withheld = 0
        """Products that should have gone and did not, as they were too many."""
        self._table = open_table(path, encoding, _column_test(renames))
        self._renames = renames
        self._conventions = conventions
        self._say = say
        self._platform = platform

    def place(self, line: int) -> str:
        """Names the place of a line, for people."""
        return self._table.place(line)

    def events(self, resolve: ResolveMedia, clock: EventClock) -> Iterator[PreparedEvent | RejectedRow]:
        """The event of each product that is to be found, or why a row has none. Raises `UnreadableFile`."""
        for outcome in self._outcomes(resolve, clock):
            if isinstance(outcome, PreparedEvent):
                self.notice.replaced += outcome.product_id in self.product_ids and not outcome.is_versioned
                self.product_ids.add(outcome.product_id)
            else:
                self.rejected += 1
            yield outcome
        self.hidden_ids -= self.product_ids

    def _outcomes(self, resolve: ResolveMedia, clock: EventClock) -> Iterator[PreparedEvent | RejectedRow]:
        if is_backup(self._table.path):
            self._say("read as a backup of the index: products as they were, in the versions that they had")
            return backup_events(self._table.path, clock, self.notice)
        for file, encoding in self._table.encodings():
            name = f"{file.name} is " if file != self._table.path else ""
            self._say(f"{name}read as {encoding.name} (sure to {encoding.confidence:.1%}); --encoding says otherwise")
        platform = self._platform if self._platform == "" else self._recognised()
        context = FileContext(self._conventions, self.notice)
        if platform:
            rows = self._published(self._platform_rows(platform))
            return product_events(rows, {}, resolve, clock, context)
        return merged_product_events(self._plain_rows(), self._renames, resolve, clock, context)

    def _published(self, rows: Iterable[TranslatedRow | RejectedRow]) -> RowStream:
        """The rows of products that are to be found; the ids of the others are kept."""
        for row in rows:
            if isinstance(row, RejectedRow):
                yield row
            elif not row.is_hidden:
                yield row.row
            elif isinstance(hidden := _hidden_id(row), RejectedRow):
                yield hidden
            else:
                self.notice.hidden += 1
                self.hidden_ids.add(hidden)

    def _recognised(self) -> str | None:
        """The platform whose export it is, by its columns unless somebody said so. Raises `UnreadableFile`."""
        columns = self._table.columns()
        if alone := variants_alone(columns):
            raise UnreadableFile(
                f"{self._table.path} has the variants of {load_profile(alone).title}'s products without the products:"
                " publish a file that has both, or the products' alone; --from table takes it as it is"
            )
        name = self._platform or recognise(columns)
        if name and not self._platform:
            self._say(f"read as an export of {load_profile(name).title} (--from {name}), by its columns")
        return name

    def _platform_rows(self, platform: str) -> Iterator[TranslatedRow | RejectedRow]:
        profile = load_profile(platform)
        translator, assembler = Translator(profile, self._renames), Assembler(profile, self.notice, self._conventions)
        for row in self._surveyed(translator.translated(self._table.rows()), {}):
            if isinstance(row, TranslatedRow):
                assembler.survey(row)
                for column in row.unknown:
                    self.notice.unknown_column(column)
        for row in assembler.products(translator.translated(self._table.rows())):
            if isinstance(row, TranslatedRow) and row.is_hidden_alone and not assembler.is_child(row):
                row.is_hidden = True
            yield row

    def _plain_rows(self) -> RowStream:
        for _ in self._surveyed(self._table.rows(), self._renames):
            pass
        yield from self._table.rows()

    def _surveyed(self, rows: Iterable[T], renames: Mapping[str, str]) -> Iterator[T]:
        """The rows; how they all write prices and dates is seen on the way."""
        survey = ColumnSurvey(self._conventions, renames)
        for row in rows:
            plain = row.row if isinstance(row, TranslatedRow) else row
            if isinstance(plain, Row):
                survey.see(plain.cells)
            yield row


def _hidden_id(row: TranslatedRow) -> str | RejectedRow:
    """The id of a product that is not to be found, or why there is none."""
    try:
        return valid_product_id(row.row.cells.get("product_id"))
    except ValueError as error:
        return RejectedRow(row.row.line, str(error))


def _column_test(renames: Mapping[str, str]) -> Callable[[str], bool]:
    """Whether a text is a usual name of a column, of any platform's, or one that somebody named."""
    theirs = {column for name in NAMES for column in known_columns(load_profile(name))}
    return lambda name: name in renames or is_known_column(name) or plain_name(name) in theirs
