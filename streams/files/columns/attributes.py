"""The attributes of a product, out of the columns that are no field of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from streams.files.columns import cells
from streams.files.columns.field_bounds import MAX_LABEL_CHARS, MAX_LABELS
from streams.files.columns.names import snake_case

MULTI_VALUED_COLUMNS = frozenset({"colors", "colours", "sizes", "materials"})
"""Attributes that a table writes as several values between commas."""
_PAIR_NAMES = ("name", "key", "attribute", "attribute_code", "label")
_PAIR_VALUES = ("value", "values", "options", "option")


def attributes_of(unknown: Mapping[str, Any]) -> tuple[dict[str, str | list[str]], list[str]]:
    """Attributes, and the texts that are none: too long for a label, or beyond the bound on their number."""
    attributes: dict[str, str | list[str]] = {}
    texts: list[str] = []
    for name, value in _attribute_values(unknown):
        values = value if isinstance(value, list) else [value]
        labels = [text for text in values if len(text) <= MAX_LABEL_CHARS]
        texts += [text for text in values if len(text) > MAX_LABEL_CHARS]
        if labels and (len(attributes) == MAX_LABELS or len(name) > MAX_LABEL_CHARS):
            texts.append(f"{name}: {', '.join(labels)}")
        elif labels:
            attributes[name] = labels if isinstance(value, list) else labels[0]
    return attributes, texts


def _attribute_values(columns: Mapping[str, Any]) -> Iterable[tuple[str, str | list[str]]]:
    for column, cell in columns.items():
        inner = (cells.as_object(cell) or _named_pairs(cell)) if column == "attributes" else _named_pairs(cell)
        if inner is not None:
            yield from _attribute_values(inner)
        else:
            several = (
                cells.as_text_list(cell)
                if snake_case(column) in MULTI_VALUED_COLUMNS and isinstance(cell, str)
                else cell
            )
            yield from ((f"{column}{path}", value) for path, value in cells.attribute_values(several))


def _named_pairs(cell: Any) -> dict[str, Any] | None:
    """A list of objects that each name an attribute and its value, as a dict; None for another cell."""
    items = cells.as_list(cell) if isinstance(cell, list) or (isinstance(cell, str) and cell.startswith("[")) else []
    pairs: dict[str, Any] = {}
    for item in items:
        entry = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
        name = next((entry[key] for key in _PAIR_NAMES if isinstance(entry.get(key), str)), None)
        value = next((entry[key] for key in _PAIR_VALUES if not cells.is_absent(entry.get(key))), None)
        if not name or value is None:
            return None
        before = pairs.get(name)
        pairs[name] = value if before is None else [*cells.as_list(before), *cells.as_list(value)]
    return pairs or None
