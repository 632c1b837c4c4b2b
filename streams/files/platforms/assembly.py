"""Products out of an export's rows: rows of one product become one, variants take from their product what they lack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

from streams.errors import UnreadableFile
from streams.files import cells
from streams.files.category_paths import CategoryPaths
from streams.files.formats.row import RejectedRow, Row
from streams.files.notice import FileNotice
from streams.files.platforms.profile import Profile
from streams.files.platforms.translation import TranslatedRow

MAX_HELD: Final = 50_000
"""Rows that wait for others of their product, further on in the file."""
MAX_PARENTS: Final = 200_000
"""Products that are remembered for their variants."""


class Assembler:
    """Makes products' rows out of translated rows, which come twice: first all to `survey`, then to `products`."""

    def __init__(self, profile: Profile, notice: FileNotice) -> None:
        """Args: profile: of the platform; notice: counts what is merged and hidden."""
        self._profile = profile
        self._notice = notice
        self._seen: dict[int, int] = {}
        self._parents: dict[str, str] = {}
        self._bases: dict[str, TranslatedRow] = {}
        self._own_ids: dict[str, str] = {}
        self._with_variants: set[str] = set()

    def survey(self, row: TranslatedRow) -> None:
        """Take note of which product a row is of, and of which variants it tells."""
        key = hash(_key(row))
        self._seen[key] = self._seen.get(key, 0) + 1
        for child in row.children:
            self._parents[child] = _product_id(row)
        self._with_variants |= {row.parent.removeprefix("id:")} - {""}
        if row.own_id:
            self._own_ids[row.own_id] = _product_id(row)

    def is_child(self, row: TranslatedRow) -> bool:
        """Whether a row is another product's variant."""
        return bool(row.parent) or _product_id(row) in self._parents

    def products(self, rows: Iterable[TranslatedRow | RejectedRow]) -> Iterator[TranslatedRow | RejectedRow]:
        """A row for each product. Raises `UnreadableFile` where rows of products are too far apart."""
        held: dict[str, list[TranslatedRow]] = {}
        waiting = 0
        for row in rows:
            if isinstance(row, RejectedRow):
                yield row
                continue
            key = _key(row)
            block = held.setdefault(key, [])
            block.append(row)
            waiting += 1
            if len(block) == self._seen.get(hash(key), 1) or not key:
                del held[key]
                waiting -= len(block)
                yield from self._assembled(block)
            elif waiting > MAX_HELD:
                raise UnreadableFile(f"rows of one product are over {MAX_HELD:,} rows apart; sort the file by product")
        for block in held.values():
            yield from self._assembled(block)

    def _assembled(self, block: list[TranslatedRow]) -> Iterator[TranslatedRow]:
        variants = [row for row in block if row.is_variant] if self._profile.variants.marks else []
        if not variants:
            yield self._in_its_group(self._merged(block))
            return
        base = self._merged([row for row in block if row is block[0] or not row.is_variant])
        self._notice.merged += not block[0].is_variant
        several = len({_product_id(row) or str(row.row.cells.get("attributes")) for row in variants}) > 1
        pictures = [picture for row in block for picture in row.row.cells.get("images", [])]
        for row in variants:
            row.row.cells["images"] = _union(row.row.cells.get("images", []), pictures)
            row.is_hidden = row.is_hidden or base.is_hidden
            _inherit(row, base, self._profile)
            if not several:
                row.row.cells.pop("group_id", None)
            if "product_id" not in row.row.cells and row.block:
                row.row.cells["product_id"] = _own_name(row, several=several)
            yield row

    def _in_its_group(self, row: TranslatedRow) -> TranslatedRow:
        """A row in the group of its parent, with what it has of it; a parent is remembered."""
        product_id = _product_id(row)
        parent = self._parents.get(product_id) or row.parent
        parent = self._own_ids.get(parent.removeprefix("id:"), parent.removeprefix("id:")) if row.parent else parent
        if parent:
            row.row.cells.setdefault("group_id", parent)
            if base := self._bases.get(parent):
                _inherit(row, base, self._profile)
                row.is_hidden = row.is_hidden or base.hides_variants
        elif row.children or not self._with_variants.isdisjoint((product_id, row.own_id)):
            row.row.cells.setdefault("group_id", product_id)
            if len(self._bases) < MAX_PARENTS and product_id:
                self._bases[product_id] = row
        return row

    def _merged(self, block: list[TranslatedRow]) -> TranslatedRow:
        """One row of several: the first that says something counts, lists and attributes are joined."""
        first = block[0]
        for other in block[1:]:
            self._notice.merged += 1
            merge_cells(first.row.cells, other.row.cells)
            first.is_hidden = first.is_hidden or other.is_hidden
        return first


def merge_cells(cells_of: dict[str, Any], others: dict[str, Any]) -> None:
    """Add what another row of a product says: what is there stays, lists and attributes are joined."""
    for column, cell in others.items():
        before = cells_of.get(column)
        if cells.is_absent(before):
            cells_of[column] = cell
        elif isinstance(before, CategoryPaths):
            cells_of[column] = CategoryPaths(_union(before, cell))
        elif isinstance(before, list) and isinstance(cell, list):
            cells_of[column] = _union(cast("list[Any]", before), cast("list[Any]", cell))
        elif isinstance(before, dict) and isinstance(cell, dict):
            cells_of[column] = _joined(cast("dict[str, Any]", before), cast("dict[str, Any]", cell))


def _joined(attributes: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    joined = dict(attributes)
    for name, value in others.items():
        both = _union(_listed(joined[name]), _listed(value)) if name in joined else _listed(value)
        joined[name] = both if len(both) > 1 else both[0]
    return joined


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _union(items: list[Any], others: list[Any]) -> list[Any]:
    return list({repr(item): item for item in [*items, *others]}.values())


def _inherit(row: TranslatedRow, base: TranslatedRow, profile: Profile) -> None:
    names = profile.variants.inherited
    for column, cell in base.row.cells.items():
        if column in names and cells.is_absent(row.row.cells.get(column)):
            row.row.cells[column] = cell
        elif column == "attributes" and row is not base:
            own = row.row.cells.get("attributes", {})
            # Of a name that both have, the variant's value: its parent lists those of all.
            row.row.cells["attributes"] = cell | own if isinstance(own, dict) else own


def _key(row: TranslatedRow) -> str:
    return row.block or _product_id(row)


def _product_id(row: TranslatedRow) -> str:
    cell = row.row.cells.get("product_id")
    return "" if cell is None else str(cell).strip()


def _own_name(row: TranslatedRow, *, several: bool) -> str:
    """An id for a variant without one: its product's, and its options."""
    options: dict[str, Any] = row.row.cells.get("attributes", {}) if several else {}
    name = "-".join([row.block, *(str(value) for value in options.values())])
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._:-") else "-" for letter in name)[
        :64
    ]


def as_row(outcome: TranslatedRow | RejectedRow) -> Row | RejectedRow:
    """The row alone."""
    return outcome if isinstance(outcome, RejectedRow) else outcome.row
