"""A sample of titles from all over a catalogue."""

from __future__ import annotations

import numpy as np

from encoders.spec import EmbeddingSpec, fuse_parts, normalise_rows
from indexer.in_memory_store import InMemoryProductStore
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from query_api.evaluation.title_sampling import SAMPLED_PRODUCTS, sample_titles

SPEC = EmbeddingSpec("test", "1", 8)


async def catalogue(products: int) -> InMemoryProductStore:
    """Products with random vectors; every third has no title."""
    store, random = InMemoryProductStore(SPEC), np.random.default_rng(1)
    for at in range(products):
        text, image = normalise_rows(random.standard_normal((2, SPEC.dim)).astype(np.float32))
        fields = {"title": f"title {at}"} if at % 3 else {"description": "without a title"}
        change = ProductChange(f"p{at:03}", EventStamp(1, "s", "e"), fields, replaces_all_fields=True)
        stored = StoredProduct(ProductState().merge(change), "hash")
        await store.write([build_row(f"p{at:03}", stored, fuse_parts(SPEC, text, image))])
    return store


async def test_titles_are_of_many_products_and_the_same_each_time() -> None:
    store = await catalogue(600)
    titles = await sample_titles(store, SPEC)
    assert 50 < len(titles) <= SAMPLED_PRODUCTS
    assert all(title == f"title {int(product_id[1:])}" for product_id, title in titles.items())
    thirds = {int(product_id[1:]) // 200 for product_id in titles}
    assert thirds == {0, 1, 2}
    assert await sample_titles(store, SPEC) == titles


async def test_a_small_catalogue_is_sampled_whole_but_for_products_without_a_title() -> None:
    titles = await sample_titles(await catalogue(6), SPEC)
    assert titles == {f"p{at:03}": f"title {at}" for at in (1, 2, 4, 5)}
