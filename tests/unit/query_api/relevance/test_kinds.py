"""What a shopper sees of two words, of a Chinese word and of a photo: one word of two is not what is asked for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from query_api.config import QueryConfig
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.wiring.components import QueryComponents, wire
from tests.shop import MakeShop, Shop, png

COLOURS = {"red": "红色", "blue": "蓝色", "green": "绿色", "black": "黑色"}
KINDS = {
    "dress": ("连衣裙", "Women/Dresses"),
    "jacket": ("夹克", "Men/Jackets"),
    "bag": ("手提包", "Bags"),
    "onion": ("土豆", "Groceries/Vegetables"),
    "chocolate": ("巧克力", "Groceries/Sweets"),
    "vase": ("花瓶", "Home"),
}


@pytest.fixture
async def mixed_shop(make_shop: MakeShop) -> Shop:
    """Each kind in each colour, thrice in English and thrice in Chinese; what is cheapest is a grocery."""
    shop = make_shop(QueryConfig(text_trust=False))
    for row, (kind, (chinese, category)) in enumerate(KINDS.items()):
        for column, (colour, chinese_colour) in enumerate(COLOURS.items()):
            for at in range(3):
                price = 1.0 + column if category.startswith("Groceries") else 20.0 + row + column
                name = f"{kind}-{colour}-{at}"
                await shop.put(name, title=f"{colour} {kind} no{at}", category=category, price=price)
                await shop.put(
                    f"zh-{name}", title=f"{chinese_colour}{chinese} 第{at}号", category=category, price=price
                )
    await shop.put("tea", title="tea bag", category="Groceries/Tea", price=0.5)
    await shop.put("squash", title="summer squash", category="Groceries/Vegetables", price=0.5)
    return shop


@pytest.fixture
async def components(mixed_shop: Shop) -> QueryComponents:
    wired = wire(mixed_shop.services)
    await wired.floors.measure()
    return wired


async def answer(components: QueryComponents, text: str, **more: Any) -> SearchResponse:
    found = await components.answers.answer(SearchRequest(text=text, correct=False, k=100, **more))
    return msgspec.json.decode(found.body, type=SearchResponse)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("black bag", "Bags"),
        ("red dress", "Women/Dresses"),
        ("blue jackets", "Men/Jackets"),
        ("红色连衣裙", "Women/Dresses"),
        ("夹克", "Men/Jackets"),
        ("黑色 手提包", "Bags"),
    ],
)
async def test_the_cheapest_of_what_is_asked_for_is_of_its_kind(components: QueryComponents, text: str, category: str):
    found = await answer(components, text, sort="price", facets=["category"])
    assert found.total >= 3 and {hit.category for hit in found.hits} == {category}
    for other in {kind for _, kind in KINDS.values()} - {category}:
        assert (await answer(components, text, filters={"category": other})).total == 0


async def test_the_kinds_are_still_told_when_one_of_those_that_told_them_has_gone(
    components: QueryComponents, mixed_shop: Shop
):
    before = await answer(components, "red dress")
    await mixed_shop.delete("dress-red-1")
    left = await answer(components, "red dress")
    assert {hit.category for hit in left.hits} == {"Women/Dresses"} and left.total == before.total - 1


async def test_where_no_product_has_both_words_it_is_the_category_that_the_noun_names(components: QueryComponents):
    found = await answer(components, "summer dress", sort="price")
    assert found.total >= 3 and {hit.category for hit in found.hits} == {"Women/Dresses"}


async def test_where_the_noun_names_no_category_products_with_either_word_match(components: QueryComponents):
    found = await answer(components, "dress summer")
    assert {"dress-red-0", "squash"} <= {hit.product_id for hit in found.hits}


async def test_a_colour_alone_is_of_every_kind(components: QueryComponents):
    found = await answer(components, "red")
    assert {hit.category for hit in found.hits} >= {category for _, category in KINDS.values()}


async def test_one_word_of_another_kind_is_explained_as_below_the_floor(components: QueryComponents):
    for text, product_id, why in (
        (
            "red dress",
            "onion-red-0",
            "products that have all of them are in other categories than Groceries/Vegetables",
        ),
        (
            "summer dress",
            "squash",
            "no product has all of them, and the last one names other categories than Groceries/V",
        ),
    ):
        explained = await components.explainer.explain(SearchRequest(text=text, correct=False), product_id)
        assert explained.verdict == "below_the_floor" and why in explained.reasons[0].detail


async def test_a_photo_finds_what_looks_like_it_whatever_the_filter(make_shop: MakeShop):
    shop = make_shop()
    for at in range(80):
        await shop.put(
            f"p{at:02d}", png(("red", "orange", "white", "grey")[at % 4]), title=f"thing {at}", brand=f"b{at % 2}"
        )
    wired = wire(shop.services)
    await wired.floors.measure()
    photo = png("red")
    found = await wired.searcher.search(SearchRequest(image=photo, k=100, facets=["brand"]))
    assert {hit.product_id for hit in found.hits} == {f"p{at:02d}" for at in range(0, 80, 4)}
    assert isinstance(found.facets, dict)
    for counted in found.facets["brand"]:
        narrowed = await wired.searcher.search(SearchRequest(image=photo, filters={"brand": counted.value}))
        assert narrowed.total == counted.count
