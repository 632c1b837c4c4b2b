"""The cells of a row by their columns' plain names, and by paths into objects: `offers.price`, `options.1.name`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from streams.files.columns import cells
from streams.files.platforms.profile import plain_name


class NamedCells:
    """A row's cells, found by the names that a profile has for their columns."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        """Args: row: cells by column."""
        self.columns = frozenset(map(plain_name, row))
        """The plain names of all columns, filled or not."""
        self._by_name = {plain_name(column): cell for column, cell in row.items() if not cells.is_absent(cell)}

    def all(self, path: str) -> list[Any]:
        """The values at a path that are there; of a list within it, those of each item."""
        whole = self._by_name.get(plain_name(path))
        if whole is not None:
            return cells.as_list(whole) if isinstance(whole, list) else [whole]
        first, dot, rest = path.partition(".")
        inner = self._by_name.get(plain_name(first)) if dot else None
        return [] if inner is None else [value for value in _at(inner, rest) if not cells.is_absent(value)]

    def first(self, paths: Iterable[str]) -> list[Any]:
        """The values at the first path that has some."""
        nothing: list[Any] = []
        return next((values for path in paths if (values := self.all(path))), nothing)

    def text(self, path: str) -> str:
        """The first value at a path as a text; empty where it has none, or no text."""
        values = self.all(path)
        return str(values[0]).strip() if values and isinstance(values[0], str | int | float | bool) else ""


def split_cell(cell: str, sign: str) -> list[str]:
    """A cell's items; a sign after a backslash is a letter of them."""
    if not sign:
        return [cell.strip()]
    parts = re.split(rf"(?<!\\){re.escape(sign)}", cell)
    return [text for part in parts if (text := part.replace(f"\\{sign}", sign).strip())]


def _at(value: Any, path: str) -> Iterator[Any]:
    if not path:
        yield from cast("list[Any]", value) if isinstance(value, list) else [value]
        return
    step, _, rest = path.partition(".")
    if isinstance(value, list):
        items = cast("list[Any]", value)
        chosen = items[int(step) - 1 : int(step)] if step.isdigit() else items
        for item in chosen:
            yield from _at(item, rest if step.isdigit() else path)
    elif isinstance(value, dict):
        inner = cast("dict[str, Any]", value).get(step)
        if inner is not None:
            yield from _at(inner, rest)
