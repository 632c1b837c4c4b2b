"""Which of the products that a shopper did something to is most like another. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.hit_payload import HitPayload
from query_api.cards.payload_values import attribute_values, category_paths

PATH_WORTH, BRAND_WORTH, ATTRIBUTE_WORTH = 2, 2, 1
"""What a level of the category's path, the brand and an attribute in common count."""


class LikedProducts:
    """Products by what they are, the latest first."""

    def __init__(self, payloads: Mapping[str, HitPayload]) -> None:
        self._traits = {product_id: _traits(payload) for product_id, payload in payloads.items()}

    def nearest(self, payload: HitPayload) -> str | None:
        """The one with most in common with a product, of several the first; None: none has anything."""
        own = _traits(payload)
        shared = {one: sum(own[trait] for trait in own.keys() & traits) for one, traits in self._traits.items()}
        best = max(shared, key=shared.__getitem__, default=None)
        return best if best is not None and shared[best] else None


def _traits(payload: HitPayload) -> dict[tuple[str, str], int]:
    """What a product is, with what each counts."""
    paths = {("category", path): PATH_WORTH for path in category_paths(payload.category)}
    brand = {("brand", payload.brand): BRAND_WORTH} if payload.brand else {}
    return paths | brand | dict.fromkeys(attribute_values(payload), ATTRIBUTE_WORTH)
