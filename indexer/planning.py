"""What has to be done so that the index reflects new events: nothing, new scalars, or new embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from encoders.spec import FloatArray
from indexer.records import ProductChange, ProductState, StoredProduct, merge_all
from indexer.rows import embedding_text, text_hash

MAX_POOLED_IMAGES = 8
"""How many of a product's pictures its image part is made of."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one product needs after new events."""

    product_id: str
    old: StoredProduct
    vector: FloatArray | None
    """The fused vector that is stored now; None for a product that is new."""
    state: ProductState
    text: str
    text_hash: str
    images: tuple[Mapping[str, Any], ...]
    """References to the pictures that its image part should be made of."""

    @property
    def unchanged(self) -> bool:
        """The events told nothing new: a redelivery, or older than what is known."""
        return self.vector is not None and self.state == self.old.state and not self.needs_images

    @property
    def needs_text(self) -> bool:
        """Its text is not the one that was embedded."""
        return self.text_hash != self.old.text_hash

    @property
    def needs_images(self) -> bool:
        """Its pictures are not those that were embedded, or one of them was out of reach."""
        return tuple(image_key(one) for one in self.wanted_images) != self.old.image_keys

    @property
    def image_keys(self) -> tuple[str, ...]:
        """Identities of `images`."""
        return tuple(image_key(one) for one in self.images)

    @property
    def wanted_images(self) -> tuple[Mapping[str, Any], ...]:
        """Its pictures without those that are known to be broken."""
        return tuple(one for one in self.images if image_key(one) not in self.old.broken_images)


def plan(changes: Iterable[ProductChange], stored: Mapping[str, tuple[StoredProduct, FloatArray]]) -> dict[str, Plan]:
    """Merge changes into what is stored, one plan a product; several changes of a product become one."""
    by_product: dict[str, list[ProductChange]] = {}
    for change in changes:
        by_product.setdefault(change.product_id, []).append(change)
    return {product_id: _plan(product_id, some, stored.get(product_id)) for product_id, some in by_product.items()}


def image_key(reference: Mapping[str, Any]) -> str:
    """The identity of a picture: its content's hash when it is stored, else its address."""
    return str(reference.get("hash") or reference["url"])


def _plan(product_id: str, changes: list[ProductChange], stored: tuple[StoredProduct, FloatArray] | None) -> Plan:
    old, vector = stored if stored else (StoredProduct(ProductState()), None)
    state = merge_all(old.state, changes)
    fields = state.fields
    text = embedding_text(fields)
    images = tuple(fields.get("images") or ())[:MAX_POOLED_IMAGES]
    return Plan(product_id, old, vector, state, text, text_hash(text), images)
