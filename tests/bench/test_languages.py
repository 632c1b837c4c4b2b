"""Chinese queries against their English twins, over shops that list the same products in one language or in both."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from encoders.loading import load_encoder
from encoders.port import Encoder
from encoders.spec import fuse_parts
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.store import open_active_store
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row, embedding_text, text_hash
from query_api.config import QueryConfig
from query_api.contract.requests import Mode, SearchRequest
from query_api.evaluation.intervals import Interval, bootstrap
from query_api.evaluation.ranking_metrics import ndcg
from query_api.search.searcher import Searcher
from query_api.wiring.components import open_searcher
from tests import milvus3
from tests.bench.report import Target, publish_report
from tests.shop import Shop
from vitrine.demo.catalogue import demo_products
from vitrine.samples.catalogue import SampleProduct
from vitrine.samples.catalogue.queries import LANGUAGES, BilingualQuery, bilingual_queries

PRODUCTS = int(os.environ.get("BENCH_PRODUCTS", "2400"))
QUERIES = int(os.environ.get("BENCH_QUERIES", "400"))
ENCODER = os.environ.get("BENCH_ENCODER", "mini")
K = 10
WITHIN = 0.95
"""What a Chinese query reaches of its English twin."""
SYNONYMS = os.environ.get("BENCH_SYNONYMS", "")
"""A file of synonyms, if there is one to be tried."""
MODES: tuple[Mode, ...] = ("lexical", "hybrid")
SHOPS = {
    "all in the query's language": ("en", "zh", "all"),
    "both languages mixed": ("mixed", "mixed", "all"),
    "both mixed, listings in the query's language": ("mixed", "mixed", "own"),
}
"""The listings that English and Chinese queries are asked of, and which of the products with the traits are right."""


def test_chinese_queries_find_as_much_as_their_english_twins(tmp_path: Path):
    catalogue = demo_products(PRODUCTS)
    queries = bilingual_queries(catalogue, QUERIES)
    encoder = load_encoder(ENCODER, "cpu")
    found: dict[tuple[str, str, str, str], Interval] = {}
    for listing in ("en", "zh", "mixed"):
        directory = tmp_path / listing
        directory.mkdir()
        with milvus3.lite_2_5(directory) as address:
            config = MilvusConfig(address, deadline_s=60.0, lite_database=str(directory / "test.db"))
            scores = asyncio.run(_measure(catalogue, listing, queries, encoder, config))
        found |= {(listing, *key): interval for key, interval in scores.items()}
    rows: list[tuple[Any, ...]] = []
    targets: list[Target] = []
    for mode in MODES:
        for shop, (first, last, right) in SHOPS.items():
            english, chinese = found[first, "en", mode, right], found[last, "zh", mode, right]
            rows.append((shop, mode, str(english), str(chinese), chinese.mean / english.mean))
            targets.append(Target(f"{mode}, {shop}: Chinese / English", chinese.mean / english.mean, WITHIN))
    publish_report("languages", ["shop", "mode", "English", "Chinese", "ratio"], rows, targets, queries=len(queries))


async def _measure(
    catalogue: Sequence[SampleProduct],
    listing: str,
    queries: Sequence[BilingualQuery],
    encoder: Encoder,
    config: MilvusConfig,
) -> dict[tuple[str, str, str], Interval]:
    """nDCG of each language, mode and choice of right products, in a shop that lists in one language or in both."""
    store = await open_active_store(config, encoder.spec, create=True)
    shop = Shop(QueryConfig(cache_ttl_s=0, synonyms=SYNONYMS), encoder=encoder, store=store)
    try:
        await _fill(shop, [product if listing == "mixed" else replace(product, lang=listing) for product in catalogue])
        async with open_searcher(shop.services) as searcher:
            return {
                (lang, mode, right): bootstrap(
                    [ndcg(one, gains, K) for one, gains in zip(ranked, judged, strict=True) if gains]
                )
                for lang in (LANGUAGES if listing == "mixed" else (listing,))
                for mode in MODES
                for ranked in [[await _ranked(searcher, query.texts[lang], mode) for query in queries]]
                for right, judged in _judged(catalogue, queries, lang).items()
            }
    finally:
        await store.close()
        shop.close()


async def _fill(shop: Shop, catalogue: Sequence[SampleProduct]) -> None:
    fields = [
        {name: one for name, one in product.event_data().items() if name != "product_id"} for product in catalogue
    ]
    texts = [embedding_text(field) for field in fields]
    vectors = shop.encoder.encode_texts(shop.encoder.prompts.for_documents(texts))
    spec = shop.encoder.spec
    rows = [
        build_row(
            product.product_id,
            StoredProduct(_state(product.product_id, one), text_hash(text)),
            fuse_parts(spec, row, None),
        )
        for product, one, text, row in zip(catalogue, fields, texts, np.asarray(vectors), strict=True)
    ]
    await shop.services.store.write(rows)


def _state(product_id: str, fields: dict[str, Any]) -> ProductState:
    return ProductState().merge(
        ProductChange(product_id, EventStamp(1, "bench", "event"), fields, replaces_all_fields=True)
    )


def _judged(
    catalogue: Sequence[SampleProduct], queries: Sequence[BilingualQuery], lang: str
) -> dict[str, list[dict[str, float]]]:
    """Gains of each query: of all products with the traits, and of those listed in the language."""
    own = {product.product_id for product in catalogue if product.lang == lang}
    return {
        "all": [dict.fromkeys(query.relevant, 1.0) for query in queries],
        "own": [dict.fromkeys(query.relevant & own, 1.0) for query in queries],
    }


async def _ranked(searcher: Searcher, text: str, mode: Mode) -> list[str]:
    response = await searcher.search(SearchRequest(text=text, k=K, mode=mode))
    return [hit.product_id for hit in response.hits]
