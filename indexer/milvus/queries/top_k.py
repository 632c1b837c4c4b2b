"""The first products by a number, out of any number of them, from an engine that filters and counts but cannot sort.

The range of numbers is narrowed until few enough products are within it; those are fetched and sorted.

Source: Hoare, 1961, "Algorithm 65: Find" (quickselect), with pivots from a sample, and partitions that are counted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from operator import itemgetter
from typing import Protocol

from indexer.criteria import SortOrder
from indexer.milvus.limits import DEFAULT_LIMITS, MilvusLimits

MAX_ROWS = 16_384
"""Rows that Milvus gives at once."""


class NumericRows(Protocol):
    """The products among which the first are wanted, narrowed by an expression over the number."""

    async def count(self, clause: str) -> int:
        """How many there are."""
        ...

    async def numbers(self, clause: str, limit: int) -> list[float]:
        """The numbers of at most `limit` of them."""
        ...

    async def fetch(self, clause: str, limit: int) -> list[tuple[float, str]]:
        """The first of them by product id: their numbers and ids."""
        ...


@dataclass(slots=True)
class _Span:
    """The numbers among which the last wanted product's is: between `low` and `high`, in the wanted order."""

    low: float | None
    """Left out; None: from the first on."""
    start: int
    """How many products are up to and with `low`."""
    high: float | None
    """Left out; None: to the last."""
    end: int
    """How many products are before `high`."""


async def top_k_by_field(
    rows: NumericRows, order: SortOrder, limit: int, limits: MilvusLimits = DEFAULT_LIMITS
) -> list[str]:
    """The ids of the first `limit` products by a number; equal ones by product id, those without it last."""
    comparisons = _Comparisons(order)
    span = _Span(None, 0, None, await rows.count(comparisons.present))
    first = await _top_k_with_number(rows, comparisons, span, limit, limits) if span.end else []
    if len(first) < limit:
        first += [product_id for _, product_id in await rows.fetch(comparisons.absent, limit - len(first))]
    return first


async def _top_k_with_number(
    rows: NumericRows, comparisons: _Comparisons, span: _Span, limit: int, limits: MilvusLimits
) -> list[str]:
    pivots: list[float] = []
    while span.end > min(MAX_ROWS, 2 * limit + limits.sort_spare):
        pivots = [pivot for pivot in pivots if comparisons.within(pivot, span)]
        if not pivots:
            sample = await rows.numbers(comparisons.between(span), limits.sort_sample)
            pivots = sorted(set(sample), reverse=comparisons.descending)
        if not pivots:
            break
        pivot = pivots[_pivot_position(len(pivots), span, limit, limits.sort_spare)]
        before, upto = await asyncio.gather(rows.count(comparisons.before(pivot)), rows.count(comparisons.upto(pivot)))
        if upto < limit:
            span.low, span.start = pivot, upto
        elif before >= limit:
            span.high, span.end = pivot, before
        else:
            first = comparisons.sorted(await rows.fetch(comparisons.before(pivot), MAX_ROWS)) if before else []
            equal = await rows.fetch(comparisons.equal(pivot), limit - before)
            return first[:limit] + [product_id for _, product_id in equal]
    return comparisons.sorted(await rows.fetch(comparisons.before(span.high), MAX_ROWS))[:limit]


def _pivot_position(pivots: int, span: _Span, limit: int, spare: int) -> int:
    """Which of the sorted pivots is probably a little beyond the last wanted product."""
    share = (limit - span.start + spare / 2) / max(1, span.end - span.start)
    return min(pivots - 1, int(share * pivots))


class _Comparisons:
    """Expressions over a number, for either direction."""

    def __init__(self, order: SortOrder) -> None:
        self.descending = order.descending
        self._field = order.field
        self._before, self._after = (">", "<") if order.descending else ("<", ">")
        self.present, self.absent = f"{order.field} >= 0.0", f"{order.field} < 0.0"

    def before(self, number: float | None) -> str:
        """Numbers before a number; None: all."""
        return self.present if number is None else f"{self.present} and {self._field} {self._before} {number!r}"

    def upto(self, number: float) -> str:
        """Numbers before a number, and that number."""
        return f"{self.present} and {self._field} {self._before}= {number!r}"

    def equal(self, number: float) -> str:
        """Just that number."""
        return f"{self._field} == {number!r}"

    def between(self, span: _Span) -> str:
        """Numbers within a span."""
        after = "" if span.low is None else f" and {self._field} {self._after} {span.low!r}"
        return self.before(span.high) + after

    def within(self, number: float, span: _Span) -> bool:
        """Whether a number is within a span, its ends left out."""
        low, high = (span.high, span.low) if self.descending else (span.low, span.high)
        return (low is None or number > low) and (high is None or number < high)

    def sorted(self, numbered: list[tuple[float, str]]) -> list[str]:
        """Products in the wanted order; equal ones by id."""
        by_id = sorted(numbered, key=itemgetter(1))
        # A sort leaves equal ones as they are, also where it is from the greatest on.
        return [product_id for _, product_id in sorted(by_id, key=itemgetter(0), reverse=self.descending)]
