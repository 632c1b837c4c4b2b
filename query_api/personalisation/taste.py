"""A shopper's taste, learnt from their latest interactions, and how well products fit it. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.hit_payload import HitPayload
from indexer.ports.profiles import Interaction
from indexer.redis.shoppers.popularity import KIND_WEIGHTS
from query_api.cards.card import NO_CODE, CodeBook, TasteColumns
from query_api.cards.payload_values import ATTRIBUTE_PREFIX, attribute_values, category_paths

Key = TypeVar("Key")

HALF_LIFE_S = 14 * 86_400
HALF_LIFE_INTERACTIONS = 20
"""An interaction counts half of one that came 20 later, so a new interest shows however long the history is."""
HALF_CONFIDENCE_WEIGHT = 4.0
"""With interactions of this total weight (two clicks), the taste counts half."""
CATEGORY_SHARE, BRAND_SHARE, ATTRIBUTE_SHARE = 0.6, 0.2, 0.2


@dataclass(frozen=True, slots=True)
class Taste:
    """How much a shopper likes categories, brands and attribute values, each relative to the favourite (1)."""

    categories: Mapping[str, float] = field(default_factory=dict[str, float])
    """By path and every path above it; relative to the favourite of the same depth."""
    brands: Mapping[str, float] = field(default_factory=dict[str, float])
    attributes: Mapping[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    """By (name, value); relative to the favourite value of that name."""
    usual_price: float | None = None
    """The weighted geometric mean of what their products cost; None: it is not known of any."""
    confidence: float = 0.0
    """How much is known, from 0 (nothing) towards 1."""


NO_TASTE = Taste()
"""Of a shopper of whom nothing is known."""


def interaction_weights(interactions: Sequence[Interaction], now_ms: int) -> dict[str, float]:
    """How much each product says of a shopper who interacted with it, by product id.

    Args:
        interactions: newest first.
        now_ms: Unix milliseconds.
    """
    weights: dict[str, float] = defaultdict(float)
    for rank, interaction in enumerate(interactions):
        age_s = max(0, now_ms - interaction.time_ms) / 1000
        decay = 2.0 ** -(age_s / HALF_LIFE_S + rank / HALF_LIFE_INTERACTIONS)
        weights[interaction.product_id] += KIND_WEIGHTS.get(interaction.kind, 0.0) * decay
    return dict(weights)


def learn_taste(weights: Mapping[str, float], payloads: Mapping[str, HitPayload]) -> Taste:
    """The taste behind weighted products; those without a payload say nothing."""
    categories: dict[str, float] = defaultdict(float)
    brands: dict[str, float] = defaultdict(float)
    attributes: dict[tuple[str, str], float] = defaultdict(float)
    known = {product_id: weight for product_id, weight in weights.items() if product_id in payloads}
    for product_id, weight in known.items():
        payload = payloads[product_id]
        for path in category_paths(payload.category):
            categories[path] += weight
        if payload.brand:
            brands[payload.brand] += weight
        for pair in attribute_values(payload):
            attributes[pair] += weight
    total = sum(known.values())
    return Taste(
        _relative_to_favourite(categories, lambda path: path.count("/")),
        _relative_to_favourite(brands, lambda _: None),
        _relative_to_favourite(attributes, lambda pair: pair[0]),
        _usual_price([(weight, payloads[product_id].price) for product_id, weight in known.items()]),
        total / (total + HALF_CONFIDENCE_WEIGHT) if total else 0.0,
    )


def taste_affinities(taste: Taste, products: TasteColumns) -> NDArray[np.float64]:
    """How well products fit a taste, each in [0, 1]; (n,) float64."""
    liked = _liked_by_code(taste, products.book)
    fit = CATEGORY_SHARE * _category_fits(liked, products) + ATTRIBUTE_SHARE * _attribute_fits(liked, products)
    return taste.confidence * (fit + BRAND_SHARE * liked[products.brands])


def _usual_price(weighted: Sequence[tuple[float, float | None]]) -> float | None:
    logs = [(weight, math.log(price)) for weight, price in weighted if price and weight > 0]
    total = sum(weight for weight, _ in logs)
    return math.exp(sum(weight * log for weight, log in logs) / total) if total else None


def _liked_by_code(taste: Taste, book: CodeBook) -> NDArray[np.float64]:
    liked = np.zeros(book.count)
    for path, relative in taste.categories.items():
        liked[book.known_code("category", path)] = relative
    for brand, relative in taste.brands.items():
        liked[book.known_code("brand", brand)] = relative
    for (name, value), relative in taste.attributes.items():
        liked[book.known_code(ATTRIBUTE_PREFIX + name, value)] = relative
    liked[NO_CODE] = 0.0
    return liked


def _category_fits(liked: NDArray[np.float64], products: TasteColumns) -> NDArray[np.float64]:
    """The mean of what each product's category and all above it are liked, by depth; 0 where it has none."""
    # Deeper levels say more: that it is for men less than that it is a hoodie.
    owners, depths = products.path_owners, products.path_depths
    totals = np.bincount(owners, weights=liked[products.paths] * depths, minlength=products.category_count)
    fits = totals / np.maximum(np.bincount(owners, weights=depths, minlength=products.category_count), 1)
    return fits[products.category_places]


def _attribute_fits(liked: NDArray[np.float64], products: TasteColumns) -> NDArray[np.float64]:
    """The mean of what each product's attribute values are liked; 0 where it has none."""
    totals = np.bincount(products.owners, weights=liked[products.attributes], minlength=len(products))
    return totals / np.maximum(products.attribute_counts, 1)


def _relative_to_favourite(mass: Mapping[Key, float], group: Callable[[Key], Hashable]) -> dict[Key, float]:
    best: dict[Hashable, float] = defaultdict(float)
    for key, value in mass.items():
        best[group(key)] = max(best[group(key)], value)
    return {key: value / best[group(key)] for key, value in mass.items() if value > 0}
