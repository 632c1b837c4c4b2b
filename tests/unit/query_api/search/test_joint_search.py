"""Searching products that are one vector of text and pictures: as with parts, by text, picture, both and by product."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from encoders.media.images import decode_image
from encoders.port import JointHashEncoder
from encoders.spec import fuse_parts
from indexer.in_memory_store import InMemoryProductStore
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from indexer.rows import embedding_text, text_hash
from query_api.config import QueryConfig
from tests.shop import MakeShop, Shop, png

COLOURS = ("red", "blue", "green", "black")


@pytest.fixture
async def shop(make_shop: MakeShop) -> Shop:
    encoder = JointHashEncoder()
    shop = make_shop(QueryConfig(text_trust=False), encoder=encoder, store=InMemoryProductStore(encoder.spec))
    for at, colour in enumerate(COLOURS):
        fields = {"title": f"{colour} mug"}
        state = ProductState().merge(
            ProductChange(colour, EventStamp(at, "test", "event"), fields, replaces_all_fields=True)
        )
        text, pixels = embedding_text(fields), encoder.preparer(decode_image(png(colour)))
        (row,) = encoder.encode_products([text], [[pixels]])
        stored = StoredProduct(state, text_hash(text), (colour,))
        await shop.write(colour, stored, fuse_parts(encoder.spec, row, row))
    return shop


async def search(shop: Shop, **request: Any) -> list[dict[str, Any]]:
    async with shop.client() as client:
        response = await client.post("/v1/search", json={"mode": "dense", "explain": True} | request)
    assert response.status_code == 200, response.text
    return response.json()["hits"]


PICTURE = {"image": {"data": base64.b64encode(png("green")).decode()}}


@pytest.mark.parametrize(
    ("query", "first"),
    [({"text": "green mug"}, "green"), (PICTURE, "green"), (PICTURE | {"text": "green mug"}, "green")],
    ids=["text", "picture", "both"],
)
async def test_the_product_that_is_meant_comes_first_and_its_parts_sum_to_its_score(
    shop: Shop, query: dict[str, Any], first: str
):
    hits = await search(shop, **query)
    assert hits[0]["product_id"] == first
    for hit in hits:
        why = hit["explanation"]
        assert hit["score"] == pytest.approx(why["text"] + why["image"])


async def test_weights_do_not_change_the_order_of_one_modality(shop: Shop):
    orders = [
        [hit["product_id"] for hit in await search(shop, text="blue mug", weights={"text": text, "image": 1 - text})]
        for text in (1.0, 0.5, 0.0)
    ]
    assert orders[0] == orders[1] == orders[2]


async def test_products_like_another_leave_it_out(shop: Shop):
    hits = await search(shop, product_id="red")
    assert {hit["product_id"] for hit in hits} == {*COLOURS} - {"red"}
