"""How the columns of a file write prices and dates, as seen in all its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from streams.files.conventions.dates import DateConvention
from streams.files.conventions.prices import PriceConvention


@dataclass(slots=True)
class Conventions:
    """What is known of how columns are written.

    Attributes:
        decimal_mark: `.` or `,`, where somebody said so.
        date_order: one of `dmy`, `mdy`, `ymd`, where somebody said so.
    """

    decimal_mark: str | None = None
    date_order: str | None = None
    _prices: dict[str, PriceConvention] = field(default_factory=dict[str, PriceConvention])
    _dates: dict[str, DateConvention] = field(default_factory=dict[str, DateConvention])

    def price(self, column: str) -> PriceConvention:
        """How a column writes prices."""
        if column not in self._prices:
            self._prices[column] = PriceConvention(self.decimal_mark)
        return self._prices[column]

    def date(self, column: str) -> DateConvention:
        """How a column writes dates."""
        if column not in self._dates:
            self._dates[column] = DateConvention(self.date_order)
        return self._dates[column]

    def see(self, row: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
        """Take the evidence of a row; `kinds`: `price` or `date`, by the columns that are."""
        for column, cell in row.items():
            kind = kinds.get(column)
            if kind == "price":
                for item in cast("list[Any]", cell) if isinstance(cell, list) else [cell]:
                    self.price(column).see(item)
            elif kind == "date":
                self.date(column).see(cell)
