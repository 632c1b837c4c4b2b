"""Recommendations that are not all of a kind. Pure."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from query_api.cards.card import NO_CODE, CardColumns

CONSIDERED = 300
"""How many of the best change places; the others follow as they are."""
CATEGORY_SHARE, BRAND_SHARE = 0.7, 0.3
"""What having a category and a brand in common is of being alike."""


def diversified(
    products: CardColumns, diversity: float, max_per_brand: int | None, max_per_category: int | None
) -> NDArray[np.intp]:
    """The places (at most n,) of products, in a more varied order and less those that are one too many.

    By maximal marginal relevance: the next product is the one whose own place speaks for it most, less how alike it is
    to what stands before it. Products are alike by the share of their categories' paths and by brand.

    Args:
        products: (n,), the best first.
        diversity: from 0, which leaves the order, to 1, for which only being unlike counts.
        max_per_brand, max_per_category: how many products of one brand and of one deepest category are kept, the
            first ones; None: all.

    Source: Carbonell and Goldstein, 1998, "The Use of MMR, Diversity-Based Reranking for Reordering Documents".
    """
    order = np.arange(len(products))
    if diversity > 0 and len(products) > 1:
        best = min(CONSIDERED, len(products))
        order[:best] = _marginally_relevant(_likeness(products, best), diversity)
    brands, categories = (products.numbers[name][order].tolist() for name in ("brand", "category"))
    keep = _within(brands, max_per_brand) & _within(categories, max_per_category)
    return order[keep]


def _marginally_relevant(likeness: NDArray[np.float64], diversity: float) -> NDArray[np.intp]:
    count = len(likeness)
    relevance = (1.0 - diversity) * (1.0 - np.arange(count) / count)
    most_alike, chosen = np.zeros(count), np.empty(count, np.intp)
    for at in range(count):
        gain = relevance - diversity * most_alike
        gain[chosen[:at]] = -np.inf
        chosen[at] = int(np.argmax(gain))
        most_alike = np.maximum(most_alike, likeness[chosen[at]])
    return chosen


def _likeness(products: CardColumns, count: int) -> NDArray[np.float64]:
    """How alike each two of the first products are, (count, count), in [0, 1]."""
    brands = products.numbers["brand"][:count]
    codes, places = np.unique(products.numbers["category"][:count], return_inverse=True)
    paths = [set(products.book.category_path_codes(code)) for code in codes.tolist()]
    shared = np.array([[len(a & b) / max(len(a), len(b), 1) for b in paths] for a in paths])
    same_brand = (brands[:, None] == brands) & (brands != NO_CODE)
    return CATEGORY_SHARE * shared[places][:, places] + BRAND_SHARE * same_brand


def _within(codes: list[int], most: int | None) -> NDArray[np.bool_]:
    """Which of the products are among the first so many of their code; those without one are."""
    seen: Counter[int] = Counter()
    keep = np.ones(len(codes), bool)
    for at, code in enumerate(codes if most is not None else ()):
        seen[code] += code != NO_CODE
        keep[at] = seen[code] <= (most or 0)
    return keep
