"""Titles of a sample of the catalogue: queries whose right answer is known."""

from __future__ import annotations

import numpy as np

from encoders.spec import EmbeddingSpec
from indexer.hit_payload import decode_hit_payload
from indexer.ports.products import ProductStore

SAMPLED_PRODUCTS = 200
"""The most products whose titles are sampled."""
PROBE_SEARCHES = 50
"""Searches that find them, each an equal share."""
_SEED = 1


async def sample_titles(store: ProductStore, spec: EmbeddingSpec) -> dict[str, str]:
    """Titles by product id, of products from all over the vector space.

    A `ProductStore` has no random access, and its first products by id may all be of one kind: so the products with
    the highest scores in random directions are taken, the same directions each time.

    Args:
        store: the generation to sample.
        spec: of its vectors.

    Returns:
        At most `SAMPLED_PRODUCTS` titles; products without one are left out.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    directions = np.random.default_rng(_SEED).standard_normal((PROBE_SEARCHES, spec.fused_dim)).astype(np.float32)
    titles: dict[str, str] = {}
    for direction in directions:
        found = await store.search_dense(direction, (), SAMPLED_PRODUCTS // PROBE_SEARCHES)
        payloads = await store.read_payloads(found.ids)
        for product_id in filter(payloads.__contains__, found.ids):
            if title := decode_hit_payload(payloads[product_id]).title:
                titles[product_id] = title
    return titles
