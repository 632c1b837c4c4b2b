"""Facets: how many candidates have which value, as filters tell values apart. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from indexer.filters import filter_term
from query_api.cards.card import CardColumns
from query_api.cards.payload_values import Value
from query_api.contract.responses import Facet, FacetCount

MAX_VALUES = 50
"""How many values of a field are listed, the most frequent ones."""
RANGE_FIELDS = ("price", "rating")
TARGET_RANGES = 5
MIN_STEP = 0.5
"""Ranges are no finer than this: half a star, half a euro."""
_NICE_STEPS = (1, 2, 2.5, 5, 10)


class FacetTally:
    """Counts the values of fields over products that come a few at a time."""

    def __init__(self, fields: Iterable[str], bounds: Mapping[str, Sequence[float]] | None = None) -> None:
        """`bounds`: by field, the ascending numbers between which to count; else they are chosen to suit."""
        self._bounds = bounds or {}
        named = list(dict.fromkeys(fields))
        self._values: dict[str, Counter[Value]] = {field: Counter() for field in named if field not in RANGE_FIELDS}
        self._numbers: dict[str, list[float]] = {field: [] for field in named if field in RANGE_FIELDS}

    def add(self, cards: CardColumns) -> None:
        """Count more products; a category counts for every path above it too."""
        if self._values:
            for field, counts in cards.value_counts([*self._values]).items():
                self._values[field].update(counts)
        for field, numbers in self._numbers.items():
            column = cards.numbers[field]
            numbers += column[~np.isnan(column)].tolist()

    def facets(self) -> dict[str, Facet]:
        """The counts so far."""
        ranges = {field: _ranges(numbers, self._bounds.get(field)) for field, numbers in self._numbers.items()}
        return {field: _most_frequent(field, counts) for field, counts in self._values.items()} | ranges


def _most_frequent(field: str, counts: Mapping[Value, int]) -> Facet:
    """The values that most products have: spellings that a filter takes for one are one, shown as most write it."""
    spellings: dict[str, list[tuple[int, Value]]] = {}
    for value, count in counts.items():
        spellings.setdefault(filter_term(field, str(value)), []).append((count, value))
    merged = [(sum(count for count, _ in spelled), _shown(spelled)) for spelled in spellings.values()]
    ordered = sorted(merged, key=lambda pair: (-pair[0], str(pair[1])))
    return [FacetCount(count, value) for count, value in ordered[:MAX_VALUES]]


def _shown(spelled: Iterable[tuple[int, Value]]) -> Value:
    """The most frequent spelling, without needless blanks; of equally frequent ones `Red` before `RED` and `red`."""
    counts: Counter[Value] = Counter()
    for count, value in spelled:
        counts[" ".join(value.split()) if isinstance(value, str) else value] += count
    return min(counts, key=lambda value: (-counts[value], str(value).isupper(), str(value).islower(), str(value)))


def _ranges(numbers: list[float], requested: Sequence[float] | None) -> Facet:
    """Counts between bounds: all of the requested ones, or of round ones those that hold any number."""
    numbers.sort()
    bounds = requested or (_round_bounds(numbers) if numbers else [])
    counts = [
        FacetCount(bisect_left(numbers, high) - bisect_left(numbers, low), gte=low, lt=high)
        for low, high in pairwise(bounds)
    ]
    return counts if requested else [counted for counted in counts if counted.count]


def _round_bounds(numbers: Sequence[float]) -> list[float]:
    """Round numbers between which about equally many of the sorted `numbers` lie; the last is beyond them all."""
    quantiles = [numbers[len(numbers) * at // TARGET_RANGES] for at in range(1, TARGET_RANGES)]
    finest = max(MIN_STEP, numbers[-1] * 1e-9)
    step = _nice_step(max((quantiles[-1] - quantiles[0]) / TARGET_RANGES, finest))
    ends = _first_and_last(numbers[0], numbers[-1], step)
    inner = {round(quantile / step) for quantile in quantiles}
    return [_rounded(at * step) for at in sorted({*ends, *(at for at in inner if ends[0] < at < ends[1])})]


def _first_and_last(least: float, greatest: float, step: float) -> tuple[int, int]:
    """The multiples of `step` at or below the least and above the greatest number, as they come out rounded."""
    first, last = math.floor(least / step), math.floor(greatest / step) + 1
    return first - (_rounded(first * step) > least), last + (_rounded(last * step) <= greatest)


def _nice_step(width: float) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten that is no less than `width`."""
    magnitude = 10.0 ** math.floor(math.log10(width))
    return next(nice for factor in _NICE_STEPS if (nice := factor * magnitude) >= width * (1 - 1e-9))


def _rounded(number: float) -> float:
    return float(f"{number:.15g}")
