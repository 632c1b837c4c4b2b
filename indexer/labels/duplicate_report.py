"""The near-duplicates among all products of an index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from encoders.spec import EmbeddingSpec, FloatArray
from indexer.labels.near_duplicates import ComparedProduct, compared_product, duplicate_groups, duplicate_pairs
from indexer.ports.products import ProductStore
from indexer.records import StoredProduct
from indexer.rows import is_searchable
from indexer.stated_labels import stated_labels

PAGE_PRODUCTS = 256


@dataclass(frozen=True, slots=True)
class DuplicateReport:
    """Groups of products that look like the same goods."""

    products: int
    """How many were compared."""
    groups: list[list[str]]
    """Ids, the largest group first."""
    titles: dict[str, str]
    """Of the products in groups, by id."""


async def find_duplicates(store: ProductStore, spec: EmbeddingSpec, picture_similarity: float) -> DuplicateReport:
    """Compare all searchable products with each other.

    Args:
        store: the index, read page by page; all its vectors, 8·dim bytes a product, are in memory at the end.
        spec: of its vectors.
        picture_similarity: the least cosine of pictures that are the same but for cropping and compression.

    Raises:
        StoreUnavailable: the index does not answer.
    """
    products: list[ComparedProduct] = []
    vectors: list[FloatArray] = [np.zeros((0, spec.fused_dim), np.float32)]
    titles: dict[str, str] = {}
    after = ""
    while page := await store.scan(after, PAGE_PRODUCTS):
        after = max(page)
        for product_id, (stored, vector) in page.items():
            if is_searchable(stored):
                titles[product_id] = stored.state.fields.get("title") or ""
                products.append(_compared(product_id, stored, titles[product_id]))
                vectors.append(vector[None])
    pairs = duplicate_pairs(spec, products, np.concatenate(vectors), picture_similarity)
    groups = duplicate_groups((products[first].product_id, products[second].product_id) for first, second in pairs)
    grouped = {product_id: titles[product_id] for group in groups for product_id in group}
    return DuplicateReport(len(products), groups, grouped)


def _compared(product_id: str, stored: StoredProduct, title: str) -> ComparedProduct:
    fields = stored.state.fields
    has_picture = bool(stored.image_keys)
    return compared_product(product_id, title, stated_labels(fields), fields.get("group_id"), has_picture)
