"""Products out of an export's rows: rows of one product become one, variants take from their product what they lack."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

from streams.errors import UnreadableFile
from streams.files.columns import cells
from streams.files.columns.category_paths import CategoryPaths
from streams.files.conventions.survey import Conventions
from streams.files.formats.row import RejectedRow
from streams.files.notice import FileNotice
from streams.files.platforms.price_rules import OFFER, apply_rules
from streams.files.platforms.profile import Profile
from streams.files.platforms.translation import TranslatedRow

MAX_HELD: Final = 50_000
"""Rows that wait for others of their product, further on in the file."""
_ID_CHARS: Final = 64
_NOT_OF_AN_ID: Final = re.compile("[^A-Za-z0-9._:-]")
MAX_PARENTS: Final = 200_000
"""Products that are remembered for their variants."""


class Assembler:
    """Makes products' rows out of translated rows, which come twice: first all to `survey`, then to `products`."""

    def __init__(self, profile: Profile, notice: FileNotice, conventions: Conventions) -> None:
        """Args: profile: of the platform; notice: counts what is merged; conventions: how prices are written."""
        self._profile = profile
        self._notice = notice
        self._conventions = conventions
        self._seen: dict[int, int] = {}
        self._parents: dict[str, str] = {}
        self._bases: dict[str, TranslatedRow] = {}
        self._own_ids: dict[str, str] = {}
        self._blocks: dict[str, str] = {}
        self._with_variants: set[str] = set()

    def survey(self, row: TranslatedRow) -> None:
        """Take note of which product a row is of, and of which variants it tells."""
        self._place(row)
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
            self._place(row)
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

    def _place(self, row: TranslatedRow) -> None:
        """Put a variant into the block of the product above that it names by its id; remember the product's block."""
        if row.product:
            row.block = self._blocks.get(row.product, "")
        elif self._profile.variants.product and not row.is_variant and len(self._blocks) < MAX_PARENTS:
            self._blocks[_product_id(row)] = row.block

    def _assembled(self, block: list[TranslatedRow]) -> Iterator[TranslatedRow | RejectedRow]:
        rules, block = [row for row in block if row.is_rule], [row for row in block if not row.is_rule]
        variants = [row for row in block if row.is_variant]
        if self._profile.variants.product_id and len(variants) == len(block):
            for row in (*block, *rules):
                yield RejectedRow(row.row.line, "a variant of a product of which the file has no row")
            return
        if not (self._profile.variants.marks or self._profile.variants.kinds) or not variants:
            self._notice.unused_rules += len(rules)
            yield self._priced(self._in_its_group(self._merged(block)))
            return
        base = self._merged([row for row in block if row is block[0] or not row.is_variant])
        self._notice.merged += not block[0].is_variant
        pictures = [picture for row in block for picture in row.row.cells.get("images", [])]
        named = self._named(variants)
        for row in named:
            row.row.cells["images"] = _union(row.row.cells.get("images", []), pictures)
            row.is_hidden = row.is_hidden or base.is_hidden
            if row is not base:
                _inherit(row, base, self._profile)
        yield from apply_rules(rules, named, self._conventions.price("price"), self._notice)
        yield from map(self._priced, named)

    def _named(self, variants: list[TranslatedRow]) -> list[TranslatedRow]:
        """The variants of a product, each with an id of its own and, where there are several, in its group."""
        alike: dict[tuple[str, str], list[TranslatedRow]] = {}
        for row in variants:
            alike.setdefault((_product_id(row), str(row.row.cells.get("attributes"))), []).append(row)
        rows = [self._merged(block) for block in alike.values()]
        shared = Counter(map(_product_id, rows))
        for row in rows:
            if len(rows) == 1:
                row.row.cells.pop("group_id", None)
            else:
                row.row.cells.setdefault("group_id", row.block)
            if row.block and (shared[_product_id(row)] > 1 or not _product_id(row)):
                row.row.cells["product_id"] = _own_name(row, several=len(rows) > 1)
        return rows

    def _priced(self, row: TranslatedRow) -> TranslatedRow | RejectedRow:
        """A row with its price as it is now."""
        try:
            row.change.apply(row.row.cells, self._conventions.price("price"))
        except ValueError as error:
            return RejectedRow(row.row.line, f"price: {error}")
        return row

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
    own, names = row.row.cells, set(profile.variants.inherited)
    if not cells.is_absent(own.get("price")):
        names -= OFFER  # an offer of the product's is none of a variant that has a price of its own
    for column, cell in base.row.cells.items():
        if column in names and cells.is_absent(own.get(column)):
            own[column] = cell
        elif column == "attributes":
            mine = own.get("attributes", {})
            # Of a name that both have, the variant's value: its parent lists those of all.
            own["attributes"] = cell | mine if isinstance(mine, dict) else mine
    if base.shares_stock and "in_stock" in base.row.cells:
        own["in_stock"] = base.row.cells["in_stock"]
    row.change = row.change.on(base.change)


def _key(row: TranslatedRow) -> str:
    return row.block or _product_id(row)


def _product_id(row: TranslatedRow) -> str:
    cell = row.row.cells.get("product_id")
    return "" if cell is None else str(cell).strip()


def _own_name(row: TranslatedRow, *, several: bool) -> str:
    """An id for a variant without one: its product's, and its options; with their hash where letters are lost."""
    options: dict[str, Any] = row.row.cells.get("attributes", {}) if several else {}
    name = "-".join([row.block, *(str(value) for value in options.values())])
    plain = _NOT_OF_AN_ID.sub("-", name.replace(" ", "-"))
    if plain == name.replace(" ", "-") and len(plain) <= _ID_CHARS:
        return plain
    return f"{plain[: _ID_CHARS - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
