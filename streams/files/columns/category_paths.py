"""The paths of a product's categories, out of a cell."""

from __future__ import annotations

import re
from typing import Any

from indexer.plain_text import plain_text
from streams.files.columns import cells
from streams.files.columns.field_bounds import MAX_CATEGORIES, MAX_CHARS

_MAX_PATH_CHARS = 4 * MAX_CHARS["category"]
"""Of a path with its markup: to read far more of it, only to cut it, would take long."""
_BETWEEN_LEVELS = re.compile("[>»›|]")
_BETWEEN_PATHS = (";", "|", "\n")


class CategoryPaths(list[str]):
    """The paths of a product's categories, as they are to be: nothing in them is parted any more."""


def category_paths(cell: Any) -> list[str]:
    """Paths: `Home > Kitchen` is `Home/Kitchen`; of a list without paths, its items are the levels of one."""
    items = [cells.as_text(item) for outer in cells.as_list(cell) for item in cells.as_list(outer)]
    if len(items) == 1:
        items = _several_paths(items[0])
    items = list(dict.fromkeys(item[:_MAX_PATH_CHARS] for item in items))[:MAX_CATEGORIES]
    paths = [_path(item).strip("/ ") for item in items]
    paths = list(dict.fromkeys(path for path in paths if path))
    return paths if any("/" in path for path in paths) else ["/".join(paths)] if paths else []


def _several_paths(text: str) -> list[str]:
    """The paths of a text that has signs between them other than those between their levels."""
    for sign in _BETWEEN_PATHS:
        parts = [part for part in text.split(sign) if part.strip()]
        if len(parts) > 1 and all(">" in part or "/" in part for part in parts):
            return parts
    return [text]


def _path(text: str) -> str:
    return "/".join(level.strip() for level in _BETWEEN_LEVELS.split(plain_text(text)))
