"""What is looked at next: transitions of sessions from product to product, smoothed by those of categories. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WINDOW = 5
"""How many steps later still counts, as its distance's inverse."""
RECENT, RECENCY = 5, 0.15
"""How many of a session's last products count, and how much each less than the one after it."""
SMOOTHING = 200.0
"""With so many transitions seen from a product, they count as much as those of its category."""

Counts = dict[str, float]


@dataclass(frozen=True, slots=True)
class CategoryFlow:
    """Where sessions go from each category, and what is looked at there."""

    next_categories: Mapping[str, Mapping[str, float]]
    """Shares that sum to 1, by category."""
    products: Mapping[str, Mapping[str, float]]
    """Of a category's products, shares that sum to 1."""
    categories: Mapping[str, str]
    """Of products."""


NO_FLOW = CategoryFlow({}, {}, {})


def transitions_from(product_id: str, rows: Sequence[Sequence[bytes]]) -> Counts:
    """How often each product came after one, the nearer the more. Args: rows: as `BehaviourStore.steps` gives them."""
    counts: Counts = defaultdict(float)
    for row in rows:
        path = products_in_order(row)
        if product_id in path:
            at = path.index(product_id)
            for gap, later in enumerate(path[at + 1 : at + 1 + WINDOW], 1):
                counts[later] += 1 / gap
    return counts


def products_in_order(row: Sequence[bytes]) -> list[str]:
    """A session's products, each once, by the latest thing that was done to it."""
    path: dict[str, None] = {}
    for step in row:
        product_id = step[1:].decode()
        path.pop(product_id, None)
        path[product_id] = None
    return list(path)


def next_scores(recent: Sequence[str], counts: Mapping[str, Counts], flow: CategoryFlow) -> Counts:
    """How likely each product comes next in a session.

    Args:
        recent: the session's last products, the last one last.
        counts: transitions from each of them.
        flow: of the shop's categories.

    Source: Chen & Goodman, 1999, "An Empirical Study of Smoothing Techniques for Language Modeling" (backing off).
    """
    scores: Counts = defaultdict(float)
    for rank, product_id in enumerate(reversed(recent[-RECENT:])):
        seen, expected = counts.get(product_id, {}), _expected(product_id, flow)
        smoothing = SMOOTHING if expected else 0.0
        total = sum(seen.values()) + smoothing
        if not total:
            continue
        for later, count in seen.items():
            scores[later] += RECENCY**rank * count / total
        for later, share in expected.items():
            scores[later] += RECENCY**rank * smoothing * share / total
    return dict(scores)


def _expected(product_id: str, flow: CategoryFlow) -> Counts:
    """What is looked at after a product of its category."""
    categories = flow.next_categories.get(flow.categories.get(product_id, ""), {})
    return {
        later: share * part
        for category, share in categories.items()
        for later, part in flow.products.get(category, {}).items()
    }


def category_flow(
    rows: Sequence[Sequence[bytes]], categories: Mapping[str, str], popularity: Mapping[str, float]
) -> CategoryFlow:
    """The flow between categories.

    Args:
        rows: sessions of the shop, as `BehaviourStore.steps` gives them.
        categories: of products; those without one are left out.
        popularity: of products, in purchases of just now.
    """
    flows: defaultdict[str, Counts] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        path = [categories[one] for one in products_in_order(row) if one in categories]
        for at, category in enumerate(path):
            for gap, later in enumerate(path[at + 1 : at + 1 + WINDOW], 1):
                flows[category][later] += 1 / gap
    products: defaultdict[str, Counts] = defaultdict(dict)
    for product_id, category in categories.items():
        products[category][product_id] = (popularity.get(product_id, 0.0) + 0.1) ** 0.5
    return CategoryFlow(
        {category: _shares(counts) for category, counts in flows.items()},
        {category: _shares(weights) for category, weights in products.items()},
        categories,
    )


def _shares(counts: Mapping[str, float]) -> Counts:
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()}
