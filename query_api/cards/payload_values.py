"""The values in a hit payload by which tastes and facets tell products apart. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.hit_payload import HitPayload
from indexer.memo import Memo, text_bytes

Value = str | bool
ATTRIBUTE_PREFIX = "attributes."
_PATHS_BYTES = 8 * 2**20
"""Memory for the paths of categories: a thousand products share a few."""


def category_paths(category: str | None) -> tuple[str, ...]:
    """A category path and all above it, the topmost first: `Men/Tops` → `Men`, `Men/Tops`."""
    return _kept_paths(category or "")


def attribute_values(payload: HitPayload) -> Iterator[tuple[str, str]]:
    """The (name, value) pairs of a product's attributes."""
    for name, value in payload.attributes.items():
        if isinstance(value, str):
            yield name, value
        else:
            for item in value:
                yield name, item


def facet_values(payload: HitPayload) -> Iterator[tuple[str, Value]]:
    """The (field, value) pairs that facets count a product by; a category for every path above it too.

    Prices and ratings, which are counted by ranges, are not among them.
    """
    for category in dict.fromkeys((payload.category, *payload.categories)):
        yield from (("category", path) for path in category_paths(category))
    for name in ("brand", "lang", "currency", "in_stock"):
        if (value := getattr(payload, name)) is not None:
            yield name, value
    for tag in payload.tags:
        yield "tags", tag
    for name, value in attribute_values(payload):
        yield ATTRIBUTE_PREFIX + name, value
    for name, values in payload.suggested.items():
        for value in values:
            yield from ((name, path) for path in (category_paths(value) if name == "category" else (value,)))


def _make_paths(category: str) -> tuple[str, ...]:
    steps = [step.strip() for step in category.split("/") if step.strip()]
    return tuple("/".join(steps[: depth + 1]) for depth in range(len(steps)))


_kept_paths = Memo(_make_paths, lambda category, paths: text_bytes(category, *paths), _PATHS_BYTES)
