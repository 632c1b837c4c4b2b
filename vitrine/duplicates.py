"""Near-duplicates in the whole index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from encoders.spec import EmbeddingSpec
from indexer.milvus import open_stored
from indexer.near_duplicates import Listing, duplicate_pairs, groups, listing
from indexer.ports import ProductStore
from indexer.rows import is_searchable
from indexer.suggestions import stated
from vitrine.errors import VitrineError
from vitrine.roots.binding import registry_of
from vitrine.settings import Settings

PAGE = 256


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Groups of products that look like the same goods."""

    generation: str
    products: int
    """How many were compared."""
    groups: list[list[str]]
    """Ids, the largest group first."""
    titles: dict[str, str]
    """Of the products in groups."""


async def find_in_index(settings: Settings) -> Duplicates:
    """Compare all searchable products of the active generation; their vectors are held in memory meanwhile.

    Raises:
        VitrineError: there is no index.
        StoreUnavailable: Milvus does not answer.
    """
    async with registry_of(settings.milvus) as registry:
        active = (await registry.read()).active
    if active is None:
        raise VitrineError("there is no index yet: publish products first")
    spec = EmbeddingSpec.of_key(active.encoder, active.dim)
    store = await open_stored(settings.milvus, active)
    try:
        return await _compared(active.collection, store, spec, settings.labelling.picture_similarity)
    finally:
        await store.close()


async def _compared(generation: str, store: ProductStore, spec: EmbeddingSpec, picture_similarity: float) -> Duplicates:
    listings: list[Listing] = []
    vectors = [np.zeros((0, spec.fused_dim), np.float32)]
    titles: dict[str, str] = {}
    after = ""
    while page := await store.scan(after, PAGE):
        after = max(page)
        for product_id, (stored, vector) in page.items():
            if is_searchable(stored):
                fields = stored.state.fields
                titles[product_id] = fields.get("title") or ""
                has_picture = bool(stored.image_keys)
                listings.append(
                    listing(product_id, titles[product_id], stated(fields), fields.get("group_id"), has_picture)
                )
                vectors.append(vector[None])
    pairs = duplicate_pairs(spec, listings, np.concatenate(vectors), picture_similarity)
    found = groups((listings[one].product_id, listings[other].product_id) for one, other in pairs)
    shown = {product_id: titles[product_id] for some in found for product_id in some}
    return Duplicates(generation, len(listings), found, shown)
