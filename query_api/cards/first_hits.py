"""What the first hits of a query have in common: prices and categories, beside which others are looked at. Pure."""

from __future__ import annotations

import math
from collections import Counter
from statistics import median

import numpy as np
from numpy.typing import NDArray

from query_api.cards.card import CardColumns, CodeArray


class FirstHits:
    """The usual price and the categories of a few hits; what it was asked for once, it knows."""

    def __init__(self, cards: CardColumns) -> None:
        """Args: cards: of the hits."""
        self.book = cards.book
        """That categories are coded by."""
        prices = [price for price in cards.numbers["price"].tolist() if price > 0]
        self.log_price = math.log(median(prices)) if prices else math.nan
        """The natural logarithm of the median of their prices; NaN: none has one."""
        counts = Counter[int]()
        for code in cards.numbers["category"].tolist():
            counts.update(self.book.category_path_codes(code))
        self._shares = {path: count / max(1, len(cards)) for path, count in counts.items()}
        self._fits: dict[int, float] = {}

    def category_fits(self, categories: CodeArray) -> NDArray[np.float64]:
        """How far products' categories, (n,) codes, are those of the hits, each from 0 to 1.

        The mean share of the hits that have a category, and those above it; deeper ones count more.
        """
        return np.array([self._fit(code) for code in categories.tolist()], np.float64)

    def _fit(self, category: int) -> float:
        known = self._fits.get(category)
        if known is None:
            paths = self.book.category_path_codes(category)
            weighted = sum(depth * self._shares.get(path, 0.0) for depth, path in enumerate(paths, start=1))
            known = self._fits[category] = weighted / (len(paths) * (len(paths) + 1) / 2) if paths else 0.0
        return known
