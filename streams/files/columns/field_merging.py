"""The fields of a product by several of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.files.columns import cells
from streams.files.columns.field_bounds import MAX_CATEGORIES, MAX_LABELS, MAX_MEDIA, MAX_REVIEWS

_JOINED = {"images": MAX_MEDIA, "videos": MAX_MEDIA, "audios": MAX_MEDIA, "tags": MAX_LABELS, "reviews": MAX_REVIEWS}
"""Fields that several rows of a product make together, with how many of each there may be."""


def merged_fields(fields: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """A product's fields by two of its rows: the later counts, lists and attributes are joined within their bounds."""
    merged = {**fields, **later}
    for name, bound in _JOINED.items():
        if name in fields and name in later:
            merged[name] = _union(fields[name], later[name])[:bound]
    if "attributes" in fields and "attributes" in later:
        merged["attributes"] = _joined_attributes(fields["attributes"], later["attributes"])
    paths = _union(*(read.get("categories") or [read["category"]] for read in (fields, later) if "category" in read))
    if len(paths) > 1:
        merged |= {"category": paths[0], "categories": paths[:MAX_CATEGORIES]}
    return merged


def _joined_attributes(attributes: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(attributes)
    for name, value in later.items():
        values = _union(cells.as_list(joined.get(name, value)), cells.as_list(value))[:MAX_LABELS]
        if name in joined or len(joined) < MAX_LABELS:
            joined[name] = value if len(values) == 1 else values
    return joined


def _union(*lists: list[Any]) -> list[Any]:
    return list({repr(item): item for items in lists for item in items}.values())
