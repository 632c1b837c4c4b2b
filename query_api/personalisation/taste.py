"""A shopper's taste, learnt from their latest interactions, and how well a product fits it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from indexer.hit_payload import HitPayload
from indexer.memo import Memo, text_bytes
from indexer.ports import Interaction
from indexer.redis.popularity import KIND_WEIGHTS

Key = TypeVar("Key")

HALF_LIFE_S = 14 * 86_400
HALF_LIFE_INTERACTIONS = 20
"""An interaction counts half of one that came 20 later, so a new interest shows however long the history is."""
HALF_CONFIDENCE_WEIGHT = 4.0
"""With interactions of this total weight (two clicks), the taste counts half."""
_PATHS_BYTES = 8 * 2**20
"""Memory for the paths of categories: a thousand candidates share a few."""
CATEGORY_SHARE, BRAND_SHARE, ATTRIBUTE_SHARE = 0.6, 0.2, 0.2


@dataclass(frozen=True, slots=True)
class Taste:
    """How much a shopper likes categories, brands and attribute values, each relative to the favourite (1)."""

    categories: Mapping[str, float] = field(default_factory=dict[str, float])
    """By path and every path above it; relative to the favourite of the same depth."""
    brands: Mapping[str, float] = field(default_factory=dict[str, float])
    attributes: Mapping[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    """By (name, value); relative to the favourite value of that name."""
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
        total / (total + HALF_CONFIDENCE_WEIGHT) if total else 0.0,
    )


def taste_affinity(taste: Taste) -> Callable[[HitPayload], float]:
    """A function that tells how well a product fits a taste, in [0, 1].

    It keeps the fit of each category: a thousand candidates share a few.
    """
    by_category: dict[str | None, float] = {}

    def affinity(payload: HitPayload) -> float:
        if payload.category not in by_category:
            by_category[payload.category] = CATEGORY_SHARE * _category_fit(taste, payload.category)
        fit = by_category[payload.category] + ATTRIBUTE_SHARE * _attribute_fit(taste.attributes, payload)
        if payload.brand:
            fit += BRAND_SHARE * taste.brands.get(payload.brand, 0.0)
        return taste.confidence * fit

    return affinity


def category_paths(category: str | None) -> tuple[str, ...]:
    """A category path and all above it, the topmost first: `Men/Tops` → `Men`, `Men/Tops`."""
    return _kept_paths(category or "")


def _make_paths(category: str) -> tuple[str, ...]:
    steps = [step.strip() for step in category.split("/") if step.strip()]
    return tuple("/".join(steps[: depth + 1]) for depth in range(len(steps)))


_kept_paths = Memo(_make_paths, lambda category, paths: text_bytes(category, *paths), _PATHS_BYTES)


def attribute_values(payload: HitPayload) -> Iterator[tuple[str, str]]:
    """The (name, value) pairs of a product's attributes."""
    for name, value in payload.attributes.items():
        if isinstance(value, str):
            yield name, value
        else:
            for item in value:
                yield name, item


def _category_fit(taste: Taste, category: str | None) -> float:
    # Deeper levels say more: that it is for men less than that it is a hoodie.
    paths = category_paths(category)
    depth_weights = range(1, len(paths) + 1)
    if not paths:
        return 0.0
    fits = (taste.categories.get(path, 0.0) * weight for path, weight in zip(paths, depth_weights, strict=True))
    return sum(fits) / sum(depth_weights)


def _attribute_fit(liked: Mapping[tuple[str, str], float], payload: HitPayload) -> float:
    total, count = 0.0, 0
    for pair in attribute_values(payload):
        total += liked.get(pair, 0.0)
        count += 1
    return total / count if count else 0.0


def _relative_to_favourite(mass: Mapping[Key, float], group: Callable[[Key], Hashable]) -> dict[Key, float]:
    best: dict[Hashable, float] = defaultdict(float)
    for key, value in mass.items():
        best[group(key)] = max(best[group(key)], value)
    return {key: value / best[group(key)] for key, value in mass.items() if value > 0}
