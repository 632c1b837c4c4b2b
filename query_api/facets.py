"""Facets: how many candidates have which value. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import UNSET, Struct, UnsetType

from indexer.cards import Card
from query_api.personal import category_paths

MAX_VALUES = 50
"""How many values of a field are listed, the most frequent ones."""
RANGE_FIELDS = ("price", "rating")
WANTED_RANGES = 5
_NICE_STEPS = (1, 2, 2.5, 5, 10)


class FacetCount(Struct, frozen=True):
    """How many candidates have a `value`, or a number from `gte` up to, but not including, `lt`."""

    count: int
    value: str | bool | UnsetType = UNSET
    gte: float | UnsetType = UNSET
    lt: float | UnsetType = UNSET


Facet = list[FacetCount]


def count_facets(fields: Iterable[str], cards: Sequence[Card]) -> dict[str, Facet]:
    """Count the values of `fields` over candidates; a category counts for every path above it too."""
    return {field: _ranges(field, cards) if field in RANGE_FIELDS else _values(field, cards) for field in fields}


def _values(field: str, cards: Sequence[Card]) -> Facet:
    counts = Counter(value for card in cards for value in dict.fromkeys(_card_values(field, card)))
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [FacetCount(count, value) for value, count in ordered[:MAX_VALUES]]


def _card_values(field: str, card: Card) -> Iterator[str | bool]:
    if field == "category":
        yield from category_paths(card.category)
        return
    attribute = field.startswith("attributes.")
    value = card.attributes.get(field.removeprefix("attributes.")) if attribute else getattr(card, field)
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def _ranges(field: str, cards: Sequence[Card]) -> Facet:
    numbers = [number for card in cards if (number := getattr(card, field)) is not None]
    if not numbers:
        return []
    step = _nice_step((max(numbers) - min(numbers)) / WANTED_RANGES)
    counts = Counter(math.floor(number / step) for number in numbers)
    bounds = ((bin, _round(bin * step), _round((bin + 1) * step)) for bin in sorted(counts))
    return [FacetCount(counts[bin], gte=low, lt=high) for bin, low, high in bounds]


def _nice_step(width: float) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten that is no less than `width`."""
    if width <= 0:
        return 1.0
    magnitude = 10.0 ** math.floor(math.log10(width))
    return next(nice for factor in _NICE_STEPS if (nice := factor * magnitude) >= width * (1 - 1e-9))


def _round(number: float) -> float:
    return float(f"{number:.10g}")
