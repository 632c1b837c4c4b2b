"""Which products every `ProductStore` finds: those that pass the filters, in the order that is asked for."""

import numpy as np
import pytest

from indexer.criteria import Ids, NotIds, SortOrder, WithoutWords
from indexer.filter_parsing import parse_filters
from indexer.milvus.limits import MilvusLimits
from indexer.records import IndexRow
from tests.contract.products.rows import SPEC, by_words, ids, matching, product

HOSTILE = (
    'say "hi"',
    "it's",
    "back\\slash",
    "end\\",
    '\\"',
    "new\nline",
    "50%",
    "%s",
    '" or searchable == true or "',
    "{curly} [square]",
    "红色",
    "😀",
    "x\u2028y",
    "a=b",
    "nul\x00l",
    "x" * 500 + "1",
    "x" * 500 + "2",
)


async def test_every_field_filters(store):
    await store.write(
        [
            product(
                "a",
                title="a",
                brand="Luma",
                lang="en",
                currency="USD",
                group_id="g1",
                tags=["eco", "new"],
                in_stock=True,
                category="Men/Tops/Hoodies",
                attributes={"Colour": "Red", "size": ["S", "M"]},
                price=10.0,
                rating=4.5,
                rating_count=12,
                created_at="2026-01-02T00:00:00Z",
            ),
            product("b", title="b", brand="Puma", category="Men/Shoes", in_stock=False, price=50.0, rating=0.0),
            product("c", title="c"),
        ]
    )
    for raw, expected in [
        ({}, {"a", "b", "c"}),
        ({"brand": "LUMA"}, {"a"}),
        ({"brand": ["luma", "puma"]}, {"a", "b"}),
        ({"brand": ["luma", "puma"], "in_stock": False}, {"b"}),
        ({"lang": "en", "currency": "usd", "group_id": "g1", "tags": "eco"}, {"a"}),
        ({"category": "Men"}, {"a", "b"}),
        ({"category": "men / tops/"}, {"a"}),
        ({"category": "Tops"}, set()),
        ({"attributes.colour": "red"}, {"a"}),
        ({"attributes.Size": ["M", "XL"]}, {"a"}),
        ({"price": {"lt": 50}}, {"a"}),
        ({"price": {"lte": 50}}, {"a", "b"}),
        ({"price": {"gte": -1}}, {"a", "b"}),
        ({"price": {"gt": 10, "lt": 1e15}}, {"b"}),
        ({"price": 10}, {"a"}),
        ({"rating": {"lt": 1e-7}}, {"b"}),
        ({"rating_count": {"gt": 11.5}}, {"a"}),
        ({"created_at": {"gte": "2026-01-02T00:00:00Z"}}, {"a"}),
        ({"created_at": {"gt": "2026-01-02T00:00:00Z"}}, set()),
    ]:
        assert await matching(store, raw) == expected, raw


async def test_hostile_values_match_themselves_and_nothing_else(store):
    rows = [
        product(f"p{number}", title="x", brand=value, attributes={value[:200]: [value, "same"]})
        for number, value in enumerate(HOSTILE)
    ]
    await store.write(rows)
    for number, value in enumerate(HOSTILE):
        assert await matching(store, {"brand": value}) == {f"p{number}"}, value
        assert await matching(store, {f"attributes.{value[:200]}": value}) == {f"p{number}"}, value
    assert await store.browse((Ids(('" or "1" == "1',)),), 10) == []
    assert await store.browse((Ids(()),), 10) == []


async def test_filters_hold_for_each_kind_of_search(store):
    await store.write([product(f"p{n}", n, title="hoodie", price=float(n), brand=f"b{n % 2}") for n in range(20)])
    wanted = parse_filters({"brand": "b1", "price": {"lt": 10}})
    expected = ["p9", "p7", "p5", "p3", "p1"]
    assert ids(await store.search_dense(np.ones(SPEC.fused_dim, np.float32), wanted, 100)) == expected
    by_word = sorted(ids(await store.search_lexical("hoodie", wanted, 100)), reverse=True)
    assert by_word == by_words(store, *expected)
    assert len(await store.search_dense(np.ones(SPEC.fused_dim, np.float32), (), 7)) == 7
    assert ids(await store.search_lexical("hoodie", (Ids(("p3", "nope")),), 100)) == by_words(store, "p3")


LACKING = [
    ("floral", {"plain", "rose", "vneck", "chinese"}),
    ("Florals", {"plain", "rose", "vneck", "chinese"}),
    ("red floral", {"plain", "rose", "blue", "vneck", "chinese"}),
    ("碎花", {"plain", "rose", "red", "blue", "vneck"}),
    ("花", {"plain", "red", "blue", "vneck"}),
    ("v-neck", {"plain", "rose", "red", "blue", "chinese"}),
    ("neck", {"plain", "rose", "red", "blue", "chinese"}),
    ("!?", {"plain", "rose", "red", "blue", "vneck", "chinese"}),
    ("unheardof", {"plain", "rose", "red", "blue", "vneck", "chinese"}),
]


@pytest.fixture
def dresses() -> list[IndexRow]:
    titles = {
        "plain": "Plain dress",
        "red": "Red floral dress",
        "blue": "Blue dress",
        "rose": "Rose dress 花",
        "vneck": "V-neck dress",
        "chinese": "dress 红色碎花连衣裙",
    }
    rows = [product(name, 1, title=title) for name, title in titles.items() if name != "blue"]
    return [*rows, product("blue", 1, title=titles["blue"], description="with a floral print")]


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize(
    "limits", [MilvusLimits(settle_s=0.0), MilvusLimits(listed=1, settle_s=0.0)], ids=["at once", "one by one"]
)
async def test_products_that_hold_words_are_left_out_of_searches_and_counts(store, dresses):
    await store.write(dresses)
    for text, expected in LACKING:
        for found in [
            await store.search_dense(np.ones(SPEC.fused_dim, np.float32), (WithoutWords((text,)),), 100),
            await store.search_lexical("dress", (WithoutWords((text,)),), 100),
            await store.browse((WithoutWords((text,)),), 100),
        ]:
            assert set(ids(found)) == expected, text
        assert await store.count_matching((WithoutWords((text,)),)) == len(expected)
    both = (WithoutWords(("floral", "v-neck")), Ids(("plain", "red", "vneck", "rose")))
    assert set(ids(await store.search_lexical("dress", both, 100))) == {"plain", "rose"}
    assert len(await store.search_dense(np.ones(SPEC.fused_dim, np.float32), (WithoutWords(("floral",)),), 3)) == 3


async def test_products_can_be_left_out_by_their_ids(store, dresses):
    await store.write(dresses)
    wanted = (NotIds(("red", "blue", "nope", '" or "1" == "1')),)
    expected = {"plain", "rose", "vneck", "chinese"}
    assert set(ids(await store.browse(wanted, 100))) == expected
    assert set(ids(await store.search_lexical("dress", wanted, 100))) == set(by_words(store, *expected))
    assert len(await store.browse((NotIds(()),), 100)) == 6


@pytest.mark.parametrize("limits", [MilvusLimits(sort_sample=20, sort_spare=5, settle_s=0.0)], ids=["few"])
async def test_products_are_browsed_by_id_or_by_a_number_whatever_their_number(store):
    generator = np.random.default_rng(7)
    # Few prices, so that many are equal, and some products without one.
    prices = [None if chance < 0.1 else float(chance * 10 // 1) for chance in generator.random(400)]
    names = [f"p{number:03d}" for number in generator.permutation(400)]
    await store.write([product(name, title="x", price=price) for name, price in zip(names, prices, strict=True)])
    known = sorted(zip(names, prices, strict=True))
    assert ids(await store.browse((), 250)) == [name for name, _ in known[:250]]
    for sign, order in ((1, SortOrder("price")), (-1, SortOrder("price", descending=True))):
        expected = [name for name, _ in sorted(known, key=lambda pair: (pair[1] is None, sign * (pair[1] or 0.0)))]
        for limit in (1, 7, 60, 390, 500):
            assert ids(await store.browse((), limit, order)) == expected[:limit], (order, limit)
    cheap = parse_filters({"price": {"lt": 4}})
    expected = [
        name for name, price in sorted(known, key=lambda pair: pair[1] or 0.0) if price is not None and price < 4
    ]
    assert ids(await store.browse(cheap, 30, SortOrder("price"))) == expected[:30]
    assert await store.count_matching(cheap) == len(expected)
