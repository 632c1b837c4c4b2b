"""The first products by a number, out of any number of them, from an engine that filters and counts but cannot sort.

A quickselect (Hoare, 1961, "Algorithm 65: Find") whose pivots come from a sample and whose partitions are counts: the
range of numbers is narrowed until few enough products are within it, and just those are fetched and sorted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from indexer.criteria import SortOrder
from indexer.ports import Candidate

SAMPLE = 1_000
MAX_ROWS = 16_384
"""Rows that Milvus gives at once."""
_SPARE = 1_000
"""Fetching so many rows more than are wanted costs less than another look."""


class NumericRows(Protocol):
    """The products among which the first are wanted, narrowed by an expression over the number."""

    async def count(self, clause: str) -> int:
        """How many there are."""
        ...

    async def numbers(self, clause: str, limit: int) -> list[float]:
        """The numbers of some of them."""
        ...

    async def fetch(self, clause: str, limit: int) -> list[tuple[float, Candidate]]:
        """The first of them by product id, with their numbers."""
        ...


@dataclass(slots=True)
class _Span:
    """Where the last wanted product lies: between two numbers, both without, in the wanted direction."""

    low: float | None
    start: int
    """How many products are up to and with `low`."""
    high: float | None
    end: int
    """How many are before `high`."""


async def top_k_by_field(rows: NumericRows, order: SortOrder, limit: int) -> list[Candidate]:
    """The first `limit` products by a number; equal ones by product id, those without it last."""
    signs = _Comparisons(order)
    span = _Span(None, 0, None, await rows.count(signs.present))
    found = await _top_k_with_value(rows, signs, span, limit) if span.end else []
    if len(found) < limit:
        found += [one for _, one in await rows.fetch(signs.absent, limit - len(found))]
    return found


async def _top_k_with_value(rows: NumericRows, signs: _Comparisons, span: _Span, limit: int) -> list[Candidate]:
    pivots: list[float] = []
    while span.end > min(MAX_ROWS, 2 * limit + _SPARE):
        pivots = [one for one in pivots if signs.within(one, span)] or sorted(
            set(await rows.numbers(signs.between(span), SAMPLE)), reverse=signs.descending
        )
        if not pivots:
            break
        pivot = pivots[_pivot_position(len(pivots), span, limit)]
        below, upto = await asyncio.gather(rows.count(signs.before(pivot)), rows.count(signs.upto(pivot)))
        if upto < limit:
            span.low, span.start = pivot, upto
        elif below >= limit:
            span.high, span.end = pivot, below
        else:
            first = signs.sorted(await rows.fetch(signs.before(pivot), MAX_ROWS)) if below else []
            return first[:limit] + [one for _, one in await rows.fetch(signs.equal(pivot), limit - below)]
    return signs.sorted(await rows.fetch(signs.before(span.high), MAX_ROWS))[:limit]


def _pivot_position(pivots: int, span: _Span, limit: int) -> int:
    """Which of the sorted pivots is probably a little beyond the last wanted product."""
    share = (limit - span.start + _SPARE / 2) / max(1, span.end - span.start)
    return min(pivots - 1, int(share * pivots))


class _Comparisons:
    """Expressions over a number, for either direction."""

    def __init__(self, order: SortOrder) -> None:
        self.descending = order.descending
        self._field = order.field
        self._before, self._after = (">", "<") if order.descending else ("<", ">")
        self.present, self.absent = f"{order.field} >= 0.0", f"{order.field} < 0.0"

    def before(self, number: float | None) -> str:
        """Numbers before one; None: all."""
        return self.present if number is None else f"{self.present} and {self._field} {self._before} {number!r}"

    def upto(self, number: float) -> str:
        """Numbers before one, and itself."""
        return f"{self.present} and {self._field} {self._before}= {number!r}"

    def equal(self, number: float) -> str:
        """Just the one."""
        return f"{self._field} == {number!r}"

    def between(self, span: _Span) -> str:
        """Numbers within a span."""
        after = "" if span.low is None else f" and {self._field} {self._after} {span.low!r}"
        return self.before(span.high) + after

    def within(self, number: float, span: _Span) -> bool:
        """Whether a number is."""
        low, high = (span.high, span.low) if self.descending else (span.low, span.high)
        return (low is None or number > low) and (high is None or number < high)

    def sorted(self, found: list[tuple[float, Candidate]]) -> list[Candidate]:
        """Products in the wanted order; equal ones by id."""
        found.sort(key=lambda one: (-one[0] if self.descending else one[0], one[1].product_id))
        return [one for _, one in found]
