"""The stored vectors of products, as queries by product use them."""

from __future__ import annotations

import numpy as np

from encoders.spec import EmbeddingSpec, FloatArray, split_parts
from indexer.criteria import Filters
from indexer.filters import matches
from indexer.ports.products import ProductStore
from indexer.rows import build_row
from query_api.errors import ProductNotFound


class ProductVectors:
    """Reads the vectors of indexed products."""

    def __init__(self, store: ProductStore, spec: EmbeddingSpec) -> None:
        self._store = store
        self._spec = spec

    async def parts_of(self, product_id: str, filters: Filters = ()) -> tuple[FloatArray, FloatArray]:
        """The unit text and image parts, each (dim,), of a product; an absent part is zero.

        Args:
            filters: what the product has to pass; one that does not counts as not there.

        Raises:
            ProductNotFound: no searchable product has this id.
            StoreUnavailable: the product store does not answer.
        """
        row = (await self._store.read([product_id])).get(product_id)
        if row is None or not np.any(row[1]) or (filters and not matches(build_row(product_id, *row), filters)):
            raise ProductNotFound(f"no searchable product has the id {product_id}")
        return split_parts(self._spec, row[1])


def part_scores(spec: EmbeddingSpec, query: FloatArray, fused: FloatArray) -> tuple[float, float]:
    """What the text and the image part add to an inner product.

    Args:
        query: query vector (2·dim,).
        fused: a product's vector (2·dim,).
    """
    return float(query[: spec.dim] @ fused[: spec.dim]), float(query[spec.dim :] @ fused[spec.dim :])
