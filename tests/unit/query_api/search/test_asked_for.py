"""What a query names by title, code, or brand and kind comes first for everybody."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.hit_payload import HitPayload
from query_api.config import QueryConfig
from query_api.learning_to_rank.features import FEATURES
from query_api.learning_to_rank.model import RankerDocument, TreeRanker
from query_api.learning_to_rank.trees import Tree
from query_api.search.asked_for import products_asked_for
from tests.shop import MakeShop, Shop

HITS = [
    ("MH01", HitPayload("Chaz Kangeroo Hoodie", brand="Luma", category="Men/Tops/Hoodies")),
    ("MH02", HitPayload("Teton Hoodie", brand="Luma", category="Men/Tops", attributes={"mpn": "TH-77"})),
    ("X1", HitPayload("Hoodie", brand="Other", category="Men/Tops/Hoodies")),
    ("B1", HitPayload("Blue Bottle", brand="Luma", category="Sport/Bottles")),
    ("C1", HitPayload("Blue Cap", brand="Luma", category="Men/Caps")),
]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("chaz kangeroo hoodie", ["MH01"]),
        ("mh02", ["MH02"]),
        ("th-77", ["MH02"]),
        ("luma hoodie", ["MH01", "MH02"]),
        ("hoodie", ["X1"]),
        ("luma", []),
        ("warm hoodie", []),
        ("luma tent", []),
        ("luma blue", []),
        ("luma blue bottle", ["B1"]),
        ("!?", []),
        ("", []),
    ],
)
def test_products_are_named_by_title_by_code_or_by_brand_and_kind(text: str, named: list[str]):
    assert list(products_asked_for(text, HITS)) == named


NAMES = ("price_level", "score")
DEAR_FIRST = TreeRanker(
    RankerDocument(features=[*NAMES], scale=5.0, trees=[Tree([0], [-0.1], [True], [-1], [-2], [0.0, 1.0])])
)
"""Puts first what costs more than the others."""


async def shop_of(make_shop: MakeShop, ranker: TreeRanker | None) -> Shop:
    assert set(NAMES) <= set(FEATURES)
    shop = make_shop(QueryConfig(text_trust=False, personal=5.0), learnt_ranker=ranker)
    for number in range(12):
        brand = "Luma" if number < 4 else "Acme"
        title, price = f"{'Teton ' if number == 2 else ''}Hoodie {'abcdefghijkl'[number]}", 10.0 + 10 * (number > 5)
        await shop.put(
            f"H-{number}",
            title=title,
            brand=brand,
            category="Tops/Hoodies",
            price=price,
            attributes={"mpn": f"MPN-{number}"},
        )
    await shop.interact("ada", [f"H-{number}" for number in range(8, 12)], "purchased")
    return shop


async def found(shop: Shop, **request: Any) -> list[dict[str, Any]]:
    async with shop.client() as client:
        return (await client.post("/v1/search", json=request)).json()["hits"]


@pytest.mark.parametrize("ranker", [None, DEAR_FIRST], ids=["blend", "learnt"])
@pytest.mark.parametrize(("text", "count"), [("Teton hoodie c", 1), ("mpn-3", 1), ("Luma hoodie", 4)])
async def test_its_first_hits_are_everybodys(make_shop: MakeShop, ranker: TreeRanker | None, text: str, count: int):
    shop = await shop_of(make_shop, ranker)
    anybodys = [hit["product_id"] for hit in await found(await shop_of(make_shop, None), text=text)]
    named = [product_id for product_id in anybodys[:10] if product_id in {"H-0", "H-1", "H-2", "H-3"}][:count]
    for user in (None, "ada", "ada", "ben"):
        request = {"text": text} | ({"user_id": user} if user else {})
        assert [hit["product_id"] for hit in await found(shop, **request)][:count] == named


async def test_elsewhere_the_learnt_ranker_orders_everybodys_hits_and_tells_its_part(make_shop: MakeShop):
    shop = await shop_of(make_shop, DEAR_FIRST)
    for user in ({}, {"user_id": "ada"}, {"user_id": "ada", "explain": True}, {"explain": True}):
        hits = await found(shop, text="warm hoodies", floor=0, **user)
        assert [hit["price"] for hit in hits] == [20.0] * 6 + [10.0] * 4
        if "explain" in user:
            for hit in hits:
                parts = hit["explanation"]
                assert parts["ranker"] == (5.0 if hit["price"] == 20.0 else 0.0)
                total = sum(parts[name] for name in ("text", "image", "lexical", "personal", "ranker"))
                assert hit["score"] == pytest.approx(total)
