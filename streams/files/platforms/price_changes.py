"""What comes on top of a product's price, and what comes off it, where an export says so in columns of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streams.files.columns import cells
from streams.files.conventions.prices import PriceConvention, read_price


@dataclass(frozen=True, slots=True)
class PriceChange:
    """The cells of a row that change a price.

    Attributes:
        impact: what a variant costs more than its product; less with a minus.
        amount: what comes off for a time.
        percent: the share of the price that comes off instead, 0 to 100.
    """

    impact: str = ""
    amount: str = ""
    percent: str = ""

    def on(self, product: PriceChange) -> PriceChange:
        """The change of a variant of a product that has one, too."""
        return self if self.amount or self.percent else PriceChange(self.impact, product.amount, product.percent)

    def apply(self, row: dict[str, Any], convention: PriceConvention) -> None:
        """State what a row's product costs. Raises `ValueError` for an amount that cannot be read."""
        if "price" not in row or not (self.impact or self.amount or self.percent):
            return
        price, currency = read_price(row["price"], convention)
        price += _signed(self.impact, convention)
        off = _signed(self.amount, convention) or price * cells.as_number(self.percent or 0) / 100
        row["price"] = round(price, 4)
        if currency:
            row.setdefault("currency", currency)
        if 0 < off < price:
            row["sale_price"] = round(price - off, 4)


def _signed(text: str, convention: PriceConvention) -> float:
    if not text:
        return 0.0
    amount, _ = read_price(text.lstrip("+- "), convention)
    return -amount if text.startswith("-") else amount
