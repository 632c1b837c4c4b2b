"""A row of a platform's export as a row of our own columns, by the platform's profile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from streams.files.columns import cells
from streams.files.columns.category_paths import CategoryPaths
from streams.files.formats.row import RejectedRow, Row
from streams.files.platforms.attribute_cells import AttributeReader
from streams.files.platforms.cell_paths import NamedCells, split_cell
from streams.files.platforms.price_changes import PriceChange
from streams.files.platforms.profile import Profile, is_ignored, known_columns, plain_name

MAX_COLUMNS: Final = 10_000
"""Of which is remembered whether they are understood."""
_LISTS: Final = frozenset({"images", "tags", "reviews", "category", "bullet_points"})


@dataclass(slots=True)
class TranslatedRow:
    """What a row of an export says of a product.

    Attributes:
        row: with our columns.
        block: what rows of one product share; empty: nothing.
        product: the id of the product whose block it is in, where it says no other.
        is_variant: whether it is a variant in its block.
        is_rule: whether it is none, and says how the prices of variants in its block differ.
        parent: the id of the product whose variant it is; empty: none.
        own_id: the platform's own id, by which others name it as their parent.
        children: ids of its variants.
        is_hidden: whether it is a draft, hidden or not published.
        is_hidden_alone: whether it is hidden unless it is another's variant.
        hides_variants: whether its variants are hidden with it.
        shares_stock: whether its stock is that of its variants, too.
        change: what is added to its price, and taken off it.
        rule_price: what a rule says of the price, as it is written.
        unknown: columns that the profile does not know, which became attributes.
    """

    row: Row
    block: str = ""
    product: str = ""
    is_variant: bool = False
    is_rule: bool = False
    parent: str = ""
    own_id: str = ""
    children: list[str] = field(default_factory=list[str])
    is_hidden: bool = False
    is_hidden_alone: bool = False
    hides_variants: bool = False
    shares_stock: bool = False
    change: PriceChange = field(default_factory=PriceChange)
    rule_price: str = ""
    unknown: list[str] = field(default_factory=list[str])


class Translator:
    """Translates rows by a profile."""

    def __init__(self, profile: Profile, renames: Mapping[str, str]) -> None:
        """Args: profile: of the platform; renames: our fields by the columns that mean them, whatever it says."""
        self.profile = profile
        self._renames = renames
        self._known = known_columns(profile)
        self._understood: dict[str, bool] = {}
        self._attributes = AttributeReader(profile.attributes)
        self._head = ""

    def translated(self, rows: Iterable[Row | RejectedRow]) -> Iterator[TranslatedRow | RejectedRow]:
        """The rows that rows stand for, and those that were rejected."""
        self._head = ""
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
        unknown = dict(self._unknown(cells_of))
        ours, is_variant = unknown | self._fields(named), _says(named, variants.kinds)
        is_rule = _says(named, profile.rules)
        if is_variant or is_rule:
            ours.pop("title", None)
        is_variant = not is_rule and (is_variant or any(named.all(column) for column in variants.marks))
        if (is_variant or is_rule) and variants.product_id:
            ours |= {"product_id": next(iter(named.first(variants.product_id)), None)}
        block = self._block(named, ours)
        if attributes := self._attributes.read(named, block):
            ours["attributes"] = attributes
        ours |= {self._renames[column]: cell for column, cell in cells_of.items() if column in self._renames}
        parent = next((str(value) for value in named.first(variants.parent)), "")
        hidden = _says(named, profile.unpublished)
        return TranslatedRow(
            Row(row.line, ours, row.fraction_read),
            block=block,
            product=named.text(variants.product) if is_variant and variants.product and not block else "",
            is_variant=is_variant,
            is_rule=is_rule,
            parent=parent,
            own_id=named.text(variants.parent_id) if variants.parent_id else "",
            children=[child for column in variants.children for child in _children(named.text(column))],
            is_hidden=hidden,
            is_hidden_alone=_says(named, profile.unpublished_alone),
            hides_variants=hidden,
            shares_stock=_says(named, variants.shares_stock),
            change=PriceChange(named.text(variants.impact), *map(named.text, profile.reductions)),
            rule_price=str(ours.pop("price", "")).strip() if is_rule else "",
            unknown=list(unknown),
        )

    def _block(self, named: NamedCells, ours: Mapping[str, Any]) -> str:
        """What rows of its product share: a column, or the id of the product that stands above."""
        if block := next((str(value) for value in named.first(self.profile.variants.block)), ""):
            return block
        if _says(named, self.profile.variants.heads):
            self._head = str(ours.get("product_id") or "").strip()
        return self._head

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
        return ours

    def _list(self, name: str, values: list[Any]) -> list[Any]:
        sign = self.profile.between.get(name, "")
        items: list[Any] = []
        for value in values:
            items += split_cell(value, sign) if isinstance(value, str) and sign else cells.as_list(value)
        items = [_address(item) for item in items] if name == "images" else items
        return list({repr(item): item for item in items}.values())

    def _category(self, values: list[Any]) -> CategoryPaths:
        """The paths of a product's categories, levels parted by `/`; a number is an id, which names none."""
        sign = self.profile.between.get("category", "")
        texts = [text for value in values for item in cells.as_list(value) for text in split_cell(_text(item), sign)]
        paths = ["/".join(step.strip() for step in text.split(self.profile.levels) if step.strip()) for text in texts]
        return CategoryPaths(dict.fromkeys(path for path in paths if path and not path.isdecimal()))


def _says(named: NamedCells, words: Mapping[str, list[str]]) -> bool:
    """Whether a column says one of its words; an empty one is said by the empty cell of a column that is there."""
    return any(
        (text or plain_name(column) in named.columns) and text in map(str.casefold, said)
        for column, said in words.items()
        for text in [named.text(column).casefold()]
    )


def _address(item: Any) -> Any:
    """The address of a picture that is written as an object."""
    if not isinstance(item, dict):
        return item
    parts = cast("dict[str, Any]", item)
    return parts.get("url") or parts.get("contentUrl") or parts


def _text(value: Any) -> str:
    return cells.as_text(value) if isinstance(value, str | int | float) else ""


def _children(text: str) -> list[str]:
    """The variants of `sku=a,color=Red|sku=b,color=Blue`."""
    return [part.partition("=")[2] for group in text.split("|") for part in group.split(",") if part.startswith("sku=")]
