"""A row of a platform's export as a row of our own columns, by the platform's profile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from streams.files import cells
from streams.files.category_paths import CategoryPaths
from streams.files.formats.row import RejectedRow, Row
from streams.files.platforms.cell_paths import NamedCells, split_cell
from streams.files.platforms.profile import Profile, is_ignored, known_columns, plain_name

MAX_COLUMNS: Final = 10_000
"""Of which is remembered whether they are understood."""
MAX_PAIRS: Final = 100
"""Of numbered columns of attributes."""
_LISTS: Final = frozenset({"images", "tags", "reviews", "category", "bullet_points"})


@dataclass(slots=True)
class TranslatedRow:
    """What a row of an export says of a product.

    Attributes:
        row: with our columns.
        block: what rows of one product share; empty: nothing.
        is_variant: whether it is a variant in its block.
        parent: the id of the product whose variant it is; empty: none.
        own_id: the platform's own id, by which others name it as their parent.
        children: ids of its variants.
        is_hidden: whether it is a draft, hidden or not published.
        is_hidden_alone: whether it is hidden unless it is another's variant.
        hides_variants: whether its variants are hidden with it.
        unknown: columns that the profile does not know, which became attributes.
    """

    row: Row
    block: str = ""
    is_variant: bool = False
    parent: str = ""
    own_id: str = ""
    children: list[str] = field(default_factory=list[str])
    is_hidden: bool = False
    is_hidden_alone: bool = False
    hides_variants: bool = False
    unknown: list[str] = field(default_factory=list[str])


class Translator:
    """Translates rows by a profile."""

    def __init__(self, profile: Profile, renames: Mapping[str, str]) -> None:
        """Args: profile: of the platform; renames: our fields by the columns that mean them, whatever it says."""
        self.profile = profile
        self._renames = renames
        self._known = known_columns(profile)
        self._understood: dict[str, bool] = {}
        self._block = ""
        self._names: dict[str, str] = {}

    def translated(self, rows: Iterable[Row | RejectedRow]) -> Iterator[TranslatedRow | RejectedRow]:
        """The rows that rows stand for, and those that were rejected."""
        for row in rows:
            if isinstance(row, RejectedRow):
                yield row
                continue
            try:
                yield from list(self._rows(row))
            except (ValueError, RecursionError) as error:
                yield RejectedRow(row.line, str(error))

    def _rows(self, row: Row) -> Iterator[TranslatedRow]:
        """The rows that a row stands for: itself, or one for each of the variants inside of it."""
        inside = self.profile.variants.inside
        variants = cells.as_list(row.cells.get(inside)) if inside else []
        if not variants:
            yield self._translate(row)
        for variant in variants:
            outer = {column: cell for column, cell in row.cells.items() if column != inside}
            yield self._translate(Row(row.line, outer | {"variant": variant}, row.fraction_read))

    def _translate(self, row: Row) -> TranslatedRow:
        inner = row.cells.get("item")  # of a list of items
        cells_of = cast("dict[str, Any]", inner) if isinstance(inner, dict) else row.cells
        named, profile, variants = NamedCells(cells_of), self.profile, self.profile.variants
        block = next((str(value) for value in named.first(variants.block)), "")
        if block != self._block:
            self._block, self._names = block, {}
        unknown = dict(self._unknown(cells_of))
        ours = unknown | self._fields(named)
        if attributes := self._attributes(named):
            ours["attributes"] = attributes
        ours |= {self._renames[column]: cell for column, cell in cells_of.items() if column in self._renames}
        parent = next((str(value) for value in named.first(variants.parent)), "")
        hidden = _says(named, profile.unpublished)
        return TranslatedRow(
            Row(row.line, ours, row.fraction_read),
            block=block,
            is_variant=any(named.all(column) for column in variants.marks),
            parent=parent,
            own_id=named.text(variants.parent_id) if variants.parent_id else "",
            children=[child for column in variants.children for child in _children(named.text(column))],
            is_hidden=hidden,
            is_hidden_alone=_says(named, profile.unpublished_alone),
            hides_variants=hidden,
            unknown=list(unknown),
        )

    def _unknown(self, row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The cells of columns that the profile does not know."""
        for column, cell in row.items():
            if column not in self._understood and len(self._understood) < MAX_COLUMNS:
                self._understood[column] = self._is_understood(column)
            if not self._understood.get(column) and not cells.is_absent(cell):
                yield column, cell

    def _is_understood(self, column: str) -> bool:
        """Whether the profile knows or ignores a column, or somebody named it."""
        if column in self._renames or column in ("variant", "item"):
            return True
        return plain_name(column) in self._known or is_ignored(self.profile, column) or self._is_numbered(column)

    def _is_numbered(self, column: str) -> bool:
        shape = plain_name(re.sub(r"\d+", "{n}", column))
        return any(shape == plain_name(template) for pair in self.profile.attributes.pairs for template in pair)

    def _fields(self, named: NamedCells) -> dict[str, Any]:
        ours: dict[str, Any] = {}
        for name, columns in self.profile.fields.items():
            if name in self.profile.together:
                values = [value for column in columns for value in named.all(column)]
            else:
                values = named.first(columns)
            if not values:
                continue
            if name == "category":
                ours[name] = self._category(values)
            elif name in _LISTS:
                ours[name] = self._list(name, values)
            else:
                ours[name] = values[0] if len(values) == 1 or name not in ("price", "in_stock") else values
        if _says(named, self.profile.in_stock_if):
            ours["in_stock"] = True
        self._reduce(ours, named)
        return ours

    def _list(self, name: str, values: list[Any]) -> list[Any]:
        sign = self.profile.between.get(name, "")
        items: list[Any] = []
        for value in values:
            items += split_cell(value, sign) if isinstance(value, str) and sign else cells.as_list(value)
        return list({repr(item): item for item in items}.values())

    def _category(self, values: list[Any]) -> CategoryPaths:
        """The paths of a product's categories, levels parted by `/`."""
        sign = self.profile.between.get("category", "")
        texts = [text for value in values for item in cells.as_list(value) for text in split_cell(_text(item), sign)]
        paths = ["/".join(step.strip() for step in text.split(self.profile.levels) if step.strip()) for text in texts]
        return CategoryPaths(dict.fromkeys(path for path in paths if path))

    def _reduce(self, ours: dict[str, Any], named: NamedCells) -> None:
        """State a price that something comes off as a sale's."""
        amount, percent = (named.text(column) if column else "" for column in self.profile.reductions)
        if "price" not in ours or not (amount or percent):
            return
        try:
            price = cells.as_number(ours["price"])
            off = cells.as_number(amount) if amount else 0.0
            off = off or price * cells.as_number(percent) / 100
        except ValueError:
            return
        if 0 < off < price:
            ours["sale_price"] = round(price - off, 4)

    def _attributes(self, named: NamedCells) -> dict[str, Any]:
        found: dict[str, Any] = {}
        shape = self.profile.attributes
        for column, name in shape.columns.items():
            for value in named.all(column)[:1]:
                found.setdefault(name, value)
        for names, values in shape.pairs:
            found |= self._paired(named, names, values)
        for column, how in shape.maps.items():
            for text in map(str, named.all(column)):
                found |= _mapped(text, how.between, how.sign, how.several)
        for column in shape.lists:
            for entry in named.all(column):
                if isinstance(entry, dict):
                    pair = cast("dict[str, Any]", entry)
                    found[str(pair.get("name") or pair.get("propertyID"))] = pair.get("value")
        return {name: value for name, value in found.items() if not cells.is_absent(value)}

    def _paired(self, named: NamedCells, names: str, values: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for number in range(1, MAX_PAIRS):
            # Of a block's rows the first alone may have the names.
            name = named.text(names.format(n=number)) or self._names.get(names.format(n=number), "")
            self._names[names.format(n=number)] = name
            if not name and number > 3:
                break
            cell = named.text(values.format(n=number))
            if name and cell and name not in self.profile.attributes.nameless:
                items = split_cell(cell, ",")
                found[name] = items if len(items) > 1 else items[0]
        return found


def _says(named: NamedCells, words: Mapping[str, list[str]]) -> bool:
    return any(named.text(column).casefold() in map(str.casefold, said) for column, said in words.items() if said)


def _text(value: Any) -> str:
    return cells.as_text(value) if isinstance(value, str | int | float) else ""


def _mapped(text: str, between: str, sign: str, several: str) -> dict[str, Any]:
    """`a=1,b=x, y|z` as a: 1, b: [`x, y`, `z`]."""
    found: dict[str, Any] = {}
    for part in re.split(rf"{re.escape(between)}(?=\s*[^{re.escape(between + sign)}]+{re.escape(sign)})", text):
        name, _, value = part.partition(sign)
        value = value.split(sign)[0] if sign == ":" else value
        items = [item for item in (piece.strip(' "') for piece in value.split(several)) if item]
        if name.strip(' "') and items:
            found[name.strip(' "')] = items if len(items) > 1 else items[0]
    return found


def _children(text: str) -> list[str]:
    """The variants of `sku=a,color=Red|sku=b,color=Blue`."""
    return [part.partition("=")[2] for group in text.split("|") for part in group.split(",") if part.startswith("sku=")]
