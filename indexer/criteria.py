"""What products are asked for by: filters, and an order to browse in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A filter: the field has one of the values. `category` also matches everything below a path."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A filter: the number is within the bounds; a product without the number never is."""

    field: str
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None


@dataclass(frozen=True, slots=True)
class Ids:
    """A filter: the product is one of these."""

    product_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotIds:
    """A filter: the product is none of these."""

    product_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WithoutWords:
    """A filter: the product holds none of these texts; it holds one where its words have all of the text's words."""

    texts: tuple[str, ...]
    spares_denials: bool = False
    """Whether a product that says to be without a text's words passes, as it has them for that: `sugar-free`."""


@dataclass(frozen=True, slots=True)
class IdAfter:
    """A filter: the product's id is greater; to go through many of them page by page."""

    product_id: str


Filter = AnyOf | Range | Ids | NotIds | WithoutWords | IdAfter
Filters = tuple[Filter, ...]
"""All must hold."""


@dataclass(frozen=True, slots=True)
class SortOrder:
    """The number by which products are browsed. Equal ones come by product id, those without it last."""

    field: str
    """One of `indexer.filters.NUMBER_FIELDS`."""
    descending: bool = False
