"""The query vector that stands for a shopper's taste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from encoders.spec import EmbeddingSpec, FloatArray, PartWeights, fused_query_vector, normalise_rows, split_parts
from indexer.ports.products import ProductStore

MAX_TASTE_PRODUCTS = 50
"""How many of the products that a shopper interacted with make up the taste vector, those that say most."""


class TasteVectors:
    """Makes query vectors of the products that shoppers interacted with."""

    def __init__(self, store: ProductStore, spec: EmbeddingSpec, weights: PartWeights) -> None:
        """Args: weights: of products' texts and pictures."""
        self._store = store
        self._spec = spec
        self._weights = weights

    async def taste_vector(self, product_weights: Mapping[str, float]) -> FloatArray | None:
        """The query vector (2·dim,), float32, of the weighted mean of products; None when none of them has a vector.

        Args:
            product_weights: how much each product says of the shopper, by product id.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        weights = dict(sorted(product_weights.items(), key=lambda pair: -pair[1])[:MAX_TASTE_PRODUCTS])
        if not weights:
            return None
        stored = await self._store.read(list(weights))
        liked = [(weights[product_id], split_parts(self._spec, vector)) for product_id, (_, vector) in stored.items()]
        text, image = (_weighted_mean([(weight, parts[side]) for weight, parts in liked]) for side in (0, 1))
        if text is None and image is None:
            return None
        return fused_query_vector(self._spec, text, image, self._weights)


def _weighted_mean(parts: Sequence[tuple[float, FloatArray]]) -> FloatArray | None:
    """Unit mean (dim,) of weighted vectors (dim,); None when nothing is left of it."""
    if not parts:
        return None
    weighted = np.stack([weight * part for weight, part in parts]).astype(np.float32)
    mean = normalise_rows(weighted.sum(axis=0, keepdims=True))[0]
    return mean if np.any(mean) else None
