"""Titles of products from all over the catalogue, as queries whose right answer is known. Pure but for the store."""

from __future__ import annotations

import numpy as np

from encoders.spec import EmbeddingSpec
from indexer.hit_payload import decode_hit_payload
from indexer.ports import ProductStore

SAMPLED_PRODUCTS = 200
"""Titles at most."""
PROBE_SEARCHES = 50
"""Searches that find them, each in a random direction."""
_SEED = 1


async def sample_titles(store: ProductStore, spec: EmbeddingSpec) -> dict[str, str]:
    """Titles by product id, of the products farthest in random directions.

    Args:
        store: searched `PROBE_SEARCHES` times.
        spec: of its vectors.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    directions = np.random.default_rng(_SEED).standard_normal((PROBE_SEARCHES, spec.fused_dim)).astype(np.float32)
    titles: dict[str, str] = {}
    for direction in directions:
        for candidate in await store.search_dense(direction, (), SAMPLED_PRODUCTS // PROBE_SEARCHES):
            if title := decode_hit_payload(candidate.payload).title:
                titles[candidate.product_id] = title
    return titles
