"""Words find products in Chinese as they do in English."""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np

from encoders.port import HashEncoder
from encoders.spec import fuse_parts
from indexer.in_memory_store import InMemoryProductStore
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from query_api.evaluation.ranking_metrics import ndcg
from vitrine.samples.catalogue import sample_products
from vitrine.samples.catalogue.queries import bilingual_queries

CATALOGUE = sample_products(300, seed=5)
QUERIES = bilingual_queries(CATALOGUE, 50, seed=5)
SHORTFALL = 0.95
"""Chinese is at most this much behind English."""


async def quality(lang: str) -> float:
    """nDCG@10 of lexical search in a shop that lists everything in one language."""
    spec = HashEncoder().spec
    store = InMemoryProductStore(spec)
    nothing = fuse_parts(spec, None, np.zeros(spec.dim, np.float32))
    for product in CATALOGUE:
        fields = {
            name: value for name, value in replace(product, lang=lang).event_data().items() if name != "product_id"
        }
        state = ProductState().merge(
            ProductChange(product.product_id, EventStamp(1, "test", "event"), fields, replaces_all_fields=True)
        )
        await store.write([build_row(product.product_id, StoredProduct(state), nothing)])
    scores: list[float] = []
    for query in QUERIES:
        found = await store.search_lexical(query.texts[lang], (), 10)
        scores.append(ndcg(list(found.ids), dict.fromkeys(query.relevant, 1.0), 10))
    return statistics.mean(scores)


async def test_chinese_queries_find_what_their_english_twins_find():
    english, chinese = await quality("en"), await quality("zh")
    assert english > 0.8
    assert chinese >= SHORTFALL * english
