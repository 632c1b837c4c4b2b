"""The attributes of a product in a row of an export: in numbered columns, maps, lists of objects and patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from streams.files.columns import cells
from streams.files.platforms.cell_paths import NamedCells, split_cell
from streams.files.platforms.profile import Attributes
from streams.files.platforms.text_maps import read_text_map

MAX_PAIRS: Final = 100
"""Of numbered columns of attributes."""
MAX_PATTERN_CHARS: Final = 2_000
"""Of a cell in which a pattern is looked for."""


class AttributeReader:
    """Reads the attributes of rows, one after another."""

    def __init__(self, shape: Attributes) -> None:
        """Args: shape: where a platform's attributes are."""
        self._shape = shape
        self._patterns = {column: re.compile(pattern) for column, pattern in shape.patterns.items()}
        self._block = ""
        self._names: dict[str, str] = {}

    def read(self, named: NamedCells, block: str) -> dict[str, Any]:
        """A row's attributes. `block`: what rows of its product share; the first alone may have the names."""
        if block != self._block:
            self._block, self._names = block, {}
        found: dict[str, Any] = {}
        for column, name in self._shape.columns.items():
            for value in named.all(column)[:1]:
                found.setdefault(name, value)
        for names, values in self._shape.pairs:
            found |= self._numbered(named, names, values)
        for column, how in self._shape.maps.items():
            for text in map(str, named.all(column)):
                found |= read_text_map(text, how)
        for column, pattern in self._patterns.items():
            found |= {
                name.strip(): value.strip() for name, value in pattern.findall(named.text(column)[:MAX_PATTERN_CHARS])
            }
        for names, values in self._shape.parallel:
            found |= dict(zip(_first_parts(named.text(names)), _first_parts(named.text(values)), strict=False))
        found |= self._listed(named)
        return {name: value for name, value in found.items() if name and not cells.is_absent(value)}

    def _numbered(self, named: NamedCells, names: str, values: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for number in range(1, MAX_PAIRS):
            # Of a block's rows the first alone may have the names.
            name = named.text(names.format(n=number)) or self._names.get(names.format(n=number), "")
            self._names[names.format(n=number)] = name
            if not name and number > 3:
                break
            cell = named.text(values.format(n=number))
            if name and cell and name not in self._shape.nameless:
                items = split_cell(cell, ",")
                found[name] = items if len(items) > 1 else items[0]
        return found

    def _listed(self, named: NamedCells) -> Mapping[str, Any]:
        entries = [entry for column in self._shape.lists for entry in named.all(column)]
        pairs = [cast("dict[str, Any]", entry) for entry in entries if isinstance(entry, dict)]
        return {str(pair.get("name") or pair.get("propertyID")): pair.get("value") for pair in pairs}


def _first_parts(text: str) -> Iterator[str]:
    """`Size:select:0,Colour:color:1` as `Size`, `Colour`."""
    return (part.partition(":")[0].strip() for part in split_cell(text, ","))
