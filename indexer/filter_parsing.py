"""Parses the filters of a request, in JSON, and says what is wrong with those that cannot be applied. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from reprlib import Repr
from typing import Any, cast

from indexer.criteria import AnyOf, Filter, Filters, Range
from indexer.errors import InvalidFilter
from indexer.filters import (
    ATTRIBUTE_PREFIX,
    FIELD_MAX_CHARS,
    NUMBER_FIELDS,
    TERM_FIELDS,
    VALUE_MAX_CHARS,
    created_at_ms,
    filter_field,
)

MAX_FILTERS = 32
MAX_VALUES = 100
"""How many values one filter may list."""
# A value may be deep, or large: it is shown two levels deep, and a few items of each.
_shown = Repr()
_shown.maxlevel, _shown.maxdict, _shown.maxlist, _shown.maxstring = 2, 4, 4, 60
RANGE_OPERATORS = ("gt", "gte", "lt", "lte")
MAX_CHARS = 16_384
"""How much the names and values of all filters of a request may have together: they are normalised, which makes some
characters 18 of them."""
MAX_TERM_CHARS = 131_072
"""How much they may have in an engine's expression, where a field's name comes with each of its values."""
MAX_NUMBER = 1e15


def parse_filters(raw: Mapping[str, Any]) -> Filters:
    """The filters of a request; all must hold.

    Args:
        raw: by field, as in `{"price": {"lt": 50}, "brand": ["a", "b"], "category": "Men/Tops", "in_stock": true,
            "attributes.colour": "red"}`; times are ISO 8601 or Unix milliseconds.

    Raises:
        InvalidFilter: naming the field at fault and what it takes.
    """
    if len(raw) > MAX_FILTERS:
        raise InvalidFilter(f"filters: {len(raw)} fields, at most {MAX_FILTERS}")
    too_long = next((field for field in raw if len(field) > FIELD_MAX_CHARS), None)
    if too_long is not None:
        raise InvalidFilter(f"filters.{too_long[:80]}: a field's name has at most {FIELD_MAX_CHARS} characters")
    filters = tuple(_parse(field, value) for field, value in raw.items())
    _check_size([item for item in filters if isinstance(item, AnyOf)])
    return filters


def _check_size(filters: Sequence[AnyOf]) -> None:
    values = sum(len(value) for item in filters for value in item.values)
    chars = sum(len(item.field) for item in filters) + values
    if chars > MAX_CHARS:
        raise InvalidFilter(f"filters: {chars:,} characters of names and values, at most {MAX_CHARS:,}")
    chars = sum(len(filter_field(item.field)) * len(item.values) for item in filters) + values
    if chars > MAX_TERM_CHARS:
        raise InvalidFilter(
            f"filters: {chars:,} characters, with each field's name once for each of its values, at most "
            f"{MAX_TERM_CHARS:,}"
        )


def _parse(field: str, value: Any) -> Filter:
    if field in NUMBER_FIELDS:
        return _range(field, value)
    if field in TERM_FIELDS or (field.startswith(ATTRIBUTE_PREFIX) and field != ATTRIBUTE_PREFIX):
        return AnyOf(field, _values(field, value))
    known = ", ".join((*TERM_FIELDS, *NUMBER_FIELDS, ATTRIBUTE_PREFIX + "NAME"))
    raise InvalidFilter(f"filters.{field[:80]}: no such field; there are {known}")


def _values(field: str, value: Any) -> tuple[str, ...]:
    values: Sequence[Any] = cast(Sequence[Any], value) if isinstance(value, list | tuple) else [value]
    if not 1 <= len(values) <= MAX_VALUES:
        raise InvalidFilter(f"filters.{field}: {len(values)} values, it takes 1 to {MAX_VALUES}")
    kind = bool if field == "in_stock" else str
    if not all(isinstance(item, kind) for item in values):
        takes = "true or false" if kind is bool else "a text or a list of texts"
        raise InvalidFilter(f"filters.{field}: it takes {takes}, not {_abbreviated(value)}")
    texts = tuple(str(item) for item in values)
    if max(map(len, texts)) > VALUE_MAX_CHARS:
        raise InvalidFilter(f"filters.{field}: a value is over {VALUE_MAX_CHARS} characters")
    return texts


def _range(field: str, value: Any) -> Range:
    if not isinstance(value, Mapping):
        number = _number(field, value)
        return Range(field, gte=number, lte=number)
    bounds = cast(Mapping[str, Any], value)
    unknown = [name for name in bounds if name not in RANGE_OPERATORS]
    if unknown or not bounds:
        raise InvalidFilter(
            f"filters.{field}: it takes a number or {', '.join(RANGE_OPERATORS)}, not {_abbreviated(unknown or value)}"
        )
    return Range(field, **{name: _number(f"{field}.{name}", bound) for name, bound in bounds.items()})


def _number(field: str, value: Any) -> float:
    if isinstance(value, str) and field.startswith("created_at"):
        try:
            return float(created_at_ms(value))
        except (ValueError, OverflowError):
            raise InvalidFilter(f"filters.{field}: {_abbreviated(value)} is no ISO 8601 time") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidFilter(f"filters.{field}: it takes a number, not {_abbreviated(value)}")
    # The comparison comes first: a huge integer is no float at all.
    if not (abs(value) <= MAX_NUMBER and math.isfinite(value)):
        raise InvalidFilter(f"filters.{field}: the number must be between -{MAX_NUMBER:g} and {MAX_NUMBER:g}")
    return float(value)


def _abbreviated(value: Any) -> str:
    return _shown.repr(value)[:80]
