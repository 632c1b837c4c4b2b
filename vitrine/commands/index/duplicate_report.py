"""Near-duplicates in the whole index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from encoders.spec import EmbeddingSpec
from indexer.labels.near_duplicates import ComparedProduct, compared_product, duplicate_groups, duplicate_pairs
from indexer.milvus.store import open_store_to_read
from indexer.ports import ProductStore
from indexer.rows import is_searchable
from indexer.stated_labels import stated_labels
from vitrine.errors import VitrineError
from vitrine.generations.binding import open_registry
from vitrine.settings import Settings

PAGE = 256


@dataclass(frozen=True, slots=True)
class DuplicateReport:
    """Groups of products that look like the same goods."""

    generation: str
    products: int
    """How many were compared."""
    groups: list[list[str]]
    """Ids, the largest group first."""
    titles: dict[str, str]
    """Of the products in groups."""


async def find_duplicates(settings: Settings) -> DuplicateReport:
    """Compare all searchable products of the active generation; their vectors are held in memory meanwhile.

    Raises:
        VitrineError: there is no index.
        StoreUnavailable: Milvus does not answer.
    """
    async with open_registry(settings.milvus) as registry:
        active = (await registry.read()).active
    if active is None:
        raise VitrineError("there is no index yet: publish products first")
    spec = EmbeddingSpec.from_key(active.encoder, active.dim)
    store = await open_store_to_read(settings.milvus, active)
    try:
        return await _compared(active.collection, store, spec, settings.labelling.picture_similarity)
    finally:
        await store.close()


async def _compared(
    generation: str, store: ProductStore, spec: EmbeddingSpec, picture_similarity: float
) -> DuplicateReport:
    listings: list[ComparedProduct] = []
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
                    compared_product(
                        product_id, titles[product_id], stated_labels(fields), fields.get("group_id"), has_picture
                    )
                )
                vectors.append(vector[None])
    pairs = duplicate_pairs(spec, listings, np.concatenate(vectors), picture_similarity)
    found = duplicate_groups((listings[one].product_id, listings[other].product_id) for one, other in pairs)
    shown = {product_id: titles[product_id] for some in found for product_id in some}
    return DuplicateReport(generation, len(listings), found, shown)
