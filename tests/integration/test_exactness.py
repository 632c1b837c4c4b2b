"""On a real Milvus too, filters, facets, sorting, grouping and paging are exact in any combination."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from encoders.port import HashEncoder
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.limits import MilvusLimits
from indexer.milvus.store import open_active_store
from query_api.config import QueryConfig
from query_api.wiring.components import open_searcher
from tests import milvus3
from tests.exactness import check, draw_product, draw_request, fill
from tests.shop import Shop

PRODUCTS, REQUESTS = 60, 120


@pytest.mark.parametrize("index_type", ["FLAT", "IVF_FLAT"])
async def test_requests_over_a_catalogue_in_milvus_are_answered_as_by_brute_force(
    index_type: str, tmp_path: Any
) -> None:
    limits = MilvusLimits(proposed=20, settle_s=0.0)
    draw = random.Random(20).choice
    products = {f"p{at:02d}": draw_product(draw) for at in range(PRODUCTS)}
    try:
        with milvus3.lite_2_5(tmp_path) as address:
            config = replace(MilvusConfig(address, deadline_s=20), index_type=index_type, exact_below=0)
            store = await open_active_store(config, HashEncoder().spec, create=True, limits=limits)
            with closing(Shop(QueryConfig(browse_candidates=50), store=store)) as shop:
                await fill(shop, products)
                async with open_searcher(shop.services) as searcher:
                    for _ in range(REQUESTS):
                        await check(shop, searcher, products, draw_request(draw))
            await store.close()
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))
