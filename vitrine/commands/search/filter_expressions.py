"""Filters as people type them: `price<50`, `brand=Nike,Puma`, `attributes.colour=red`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_FIELD_START = re.compile("[A-Za-z_]")
_SIGN = re.compile("<=|>=|<|>|=")
_BOUNDS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def parse_filter_expressions(expressions: Iterable[str]) -> dict[str, Any]:
    """The filters of a search request; all must hold.

    Args:
        expressions: FIELD=VALUE, FIELD=ONE,OTHER (any of them) and FIELD<NUMBER with <, <=, > and >=; a comma
            that belongs to a value is written `\\,`.

    Raises:
        ValueError: naming the expression that cannot be read, or a field asked for twice in ways that do not combine.
    """
    filters: dict[str, Any] = {}
    for expression in expressions:
        field, sign, value = _parts(expression)
        wanted = _values(field, value) if sign == "=" else {_BOUNDS[sign]: _number(expression, value)}
        filters[field] = _combined(field, filters[field], wanted) if field in filters else wanted
    return filters


def _parts(expression: str) -> tuple[str, str, str]:
    """Field, sign and value. In three steps: one pattern for all of them would try each way to share out blanks."""
    sign = _SIGN.search(expression)
    field, value = (expression[: sign.start()].strip(), expression[sign.end() :].strip()) if sign else ("", "")
    if not sign or not value or "!" in field or not _FIELD_START.match(field):
        raise ValueError(f"{expression[:200]!r} is no filter; write FIELD=VALUE, FIELD=ONE,OTHER or FIELD<NUMBER")
    return field, sign.group(), value


def _values(field: str, value: str) -> Any:
    if field == "in_stock":
        if value.lower() not in ("true", "false", "yes", "no"):
            raise ValueError(f"in_stock is true or false, not {value!r}")
        return value.lower() in ("true", "yes")
    values = [part.replace("\\,", ",").strip() for part in re.split(r"(?<!\\),", value)]
    return values if len(values) > 1 else values[0]


def _number(expression: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{expression!r} compares with {value!r}, which is no number") from None


def _combined(field: str, first: Any, second: Any) -> Any:
    """Two filters on one field: bounds together, or any of the values."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first | second
    if isinstance(first, dict | bool) or isinstance(second, dict | bool):
        raise ValueError(f"the filters on {field} do not combine")
    return [*(first if isinstance(first, list) else [first]), *(second if isinstance(second, list) else [second])]
