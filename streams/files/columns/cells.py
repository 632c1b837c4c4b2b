"""The cells of tables as people write them, read as the types that events have.

Each `as_…` function raises `ValueError`, which names the cell, for what it cannot read.
"""

from __future__ import annotations

import ast
import itertools
import json
import math
import re
import string
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, cast

from streams.files.bounded_reading import MAX_VALUES
from streams.files.conventions.stock_words import read_flag

ABSENT = frozenset({"", "nan", "NaN", "NaT", "null", "NULL", "None", "N/A", "#N/A", "\\N"})
MAX_SCALAR_CHARS = 1_000
"""A longer cell is no number."""
MAX_PYTHON_CHARS = 100_000
"""Of a list or dict written as Python writes it: reading it takes a thousand times its size."""

_NUMBER = re.compile(r"[-+]?\d[\d.,\s'’]*")
_URL = re.compile(r"(?:https?|file|data):")
_BETWEEN_URLS = ",;|" + string.whitespace


def is_absent(cell: Any) -> bool:
    """Whether a cell says nothing: None, NaN, an empty text or list, or a word for null."""
    if isinstance(cell, float | Decimal):
        return math.isnan(cell)
    if isinstance(cell, str):
        return cell.strip() in ABSENT
    return cell is None or (isinstance(cell, list | dict | bytes) and not cell)


def as_text(cell: Any) -> str:
    """A scalar as a person would write it: 4.0 is `4`, True is `true`, a time is ISO 8601."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str | int | float | Decimal):
        # A lone surrogate (JSON can write one) has no UTF-8.
        return str(cell).encode("utf-8", "replace").decode().replace("\0", " ").strip()
    raise ValueError(f"a {type(cell).__name__} is no text")


def as_list(cell: Any) -> list[Any]:
    """A cell's items without the absent ones: a list, a list written in JSON or Python, or a single item."""
    if isinstance(cell, str) and cell.strip().startswith("["):
        cell = _parsed(cell.strip())
    return [item for item in _items(cell) if not is_absent(item)]


def as_text_list(cell: Any) -> list[str]:
    """A list, or a text whose items are separated by commas."""
    if isinstance(cell, str) and not cell.strip().startswith("["):
        return [word.strip() for word in cell.split(",") if not is_absent(word)]
    return [as_text(item) for item in as_list(cell)]


def as_media_list(cell: Any) -> list[Any]:
    """Pictures of a cell: a list, or paths or URLs separated by commas; a comma inside a URL does not part it."""
    if not isinstance(cell, str) or cell.strip().startswith("["):
        return as_list(cell)
    if _URL.match(cell.lstrip()):
        return _urls(cell)
    return [part.strip() for part in cell.split(",") if part.strip()]


def _urls(cell: str) -> list[str]:
    """URLs with commas, semicolons, bars or blanks between them; of those inside a URL none is followed by another."""
    starts = [match.start() for match in _URL.finditer(cell)]
    begins = [at for at in starts if at == 0 or cell[at - 1] in _BETWEEN_URLS]
    return [cell[at:end].rstrip(_BETWEEN_URLS) for at, end in itertools.pairwise([*begins, len(cell)])]


def as_number(cell: Any) -> float:
    """A number: `1,299.00`, `1.299,00`, `4.5 out of 5`."""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal):
        raise ValueError(f"{cell!r:.60} is no number")
    if not isinstance(cell, str):
        return float(cell)
    number = _NUMBER.search(cell) if len(cell) <= MAX_SCALAR_CHARS else None
    if number is None:
        raise ValueError(f"{cell[:60]!r} is no number")
    return float(_plain(re.sub(r"[\s'’]", "", number.group()).rstrip(".,")))


def as_count(cell: Any) -> int:
    """A whole number: `14410.0`, `1,204 ratings`."""
    number = as_number(cell)
    if not number.is_integer():
        raise ValueError(f"{cell!r:.60} is no whole number")
    return int(number)


def as_bool(cell: Any) -> bool:
    """Whether something is so, or there: of a list, any of it. Raises `UnknownWord` for a word that says neither."""
    if isinstance(cell, list) and cell:
        flags = [as_bool(item) for item in cast("list[Any]", cell)]
        return any(flags)
    return read_flag(cell if isinstance(cell, bool | int | float) else as_text(cell))


def attribute_values(cell: Any) -> Iterable[tuple[str, str | list[str]]]:
    """The attribute values of a cell, by the path inside it: `.key` for the entry of a dict, else the empty path.

    What has no text is left out.
    """
    cell = _parsed(cell.strip()) if isinstance(cell, str) and cell.strip().startswith("[") else cell
    if isinstance(cell, dict):
        for name, inner in cast("dict[str, Any]", cell).items():
            yield from ((f".{name}{path}", value) for path, value in attribute_values(inner))
    elif isinstance(cell, list | tuple):
        scalars = [item for item in _items(cell) if not isinstance(item, dict | list | bytes)]
        texts = [as_text(item) for item in scalars if not is_absent(item)]
        yield from [("", texts)] if texts else []
    elif not is_absent(cell) and not isinstance(cell, bytes):
        yield "", as_text(cell)


def as_object(cell: Any) -> dict[str, Any] | None:
    """A dict, or one written in JSON or Python; else None."""
    value = _parsed(cell.strip()) if isinstance(cell, str) and cell.strip().startswith("{") else cell
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _items(cell: Any) -> list[Any]:
    """The items of a list or tuple; another cell as the only item."""
    return list(cast("list[Any] | tuple[Any, ...]", cell)) if isinstance(cell, list | tuple) else [cell]


def _plain(number: str) -> str:
    """`1.299,00` as `1299.00`: of two marks the last is the decimal one; a lone comma before 3 digits is not."""
    mark = max(number.rfind("."), number.rfind(","))
    if mark < 0:
        return number
    both = "." in number and "," in number
    grouped = re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+|[-+]?\d{1,3}(\.\d{3}){2,}", number)
    if grouped and not both:
        return re.sub(r"[.,]", "", number)
    return re.sub(r"[.,]", "", number[:mark]) + "." + number[mark + 1 :]


def _parsed(text: str) -> Any:
    """A list or dict written in JSON, or as Python and so pandas writes it; else the text itself."""
    if text.count(",") + text.count("[") + text.count("{") > MAX_VALUES:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if len(text) > MAX_PYTHON_CHARS:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
