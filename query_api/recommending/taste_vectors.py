"""The query vector that stands for a shopper's taste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from encoders.spec import EmbeddingSpec, FloatArray, PartWeights, fused_query_vector, normalise_rows, split_parts
from indexer.ports.products import ProductStore
from query_api.kept_reads import KeptReads, TellsChanges

MAX_TASTE_PRODUCTS = 50
"""How many of the products that a shopper interacted with make up the taste vector, those that say most."""
VECTOR_TTL_S = 30.0
"""What a product's text or picture was this long ago is good enough to tell a taste by; who is told of changes keeps it
for longer."""
MAX_KEPT_BYTES = 32 * 2**20
"""Memory for vectors: of some 8,000 products at 2 · 512 numbers each."""


class TasteVectors:
    """Makes query vectors of the products that shoppers interacted with."""

    def __init__(
        self, store: ProductStore, spec: EmbeddingSpec, weights: PartWeights, feed: TellsChanges | None = None
    ) -> None:
        """Args: weights: of products' texts and pictures. feed: tells of changes; None: nobody does."""
        self._store = store
        self._spec = spec
        self._weights = weights
        self._kept = KeptReads(self._read, _vector_bytes, VECTOR_TTL_S, MAX_KEPT_BYTES, feed=feed)

    async def taste_vector(self, product_weights: Mapping[str, float]) -> FloatArray | None:
        """The query vector (2·dim,), float32, of the weighted mean of products; None when none of them has a vector.

        Args:
            product_weights: how much each product says of the shopper, by product id.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        weights = dict(sorted(product_weights.items(), key=lambda pair: -pair[1])[:MAX_TASTE_PRODUCTS])
        return self._mean(weights, await self._kept.get(weights))

    async def product_vector(self, product_id: str) -> FloatArray | None:
        """The query vector (2·dim,) float32 of one product as it is just now; None: it has no vector."""
        return self._mean({product_id: 1.0}, await self._read([product_id]))

    def _mean(self, weights: Mapping[str, float], vectors: Mapping[str, FloatArray]) -> FloatArray | None:
        if not vectors:
            return None
        scale = np.array([weights[product_id] for product_id in vectors], np.float32)
        sides = split_parts(self._spec, (scale[:, None] * np.stack(list(vectors.values()))).sum(axis=0))
        text, image = (normalise_rows(side) if np.any(side) else None for side in sides)
        if text is None and image is None:
            return None
        return fused_query_vector(self._spec, text, image, self._weights)

    async def _read(self, product_ids: Sequence[str]) -> dict[str, FloatArray]:
        return {product_id: vector for product_id, (_, vector) in (await self._store.read(product_ids)).items()}


def _vector_bytes(vector: FloatArray | None) -> int:
    return 300 + (0 if vector is None else vector.nbytes)
