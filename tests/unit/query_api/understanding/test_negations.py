"""What a query says in words that it does not want."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.contract.text import normalise_text
from query_api.understanding.background_refresh import RefreshIntervals
from query_api.understanding.negations import NegatedText, excluded_forms, split_negations
from tests.shop import MakeShop
from tests.unit.query_api.understanding.negation_cases import CASES


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("shirt without stripes", "shirt", ["stripes"]),
        ("shirt without stripes or dots", "shirt", ["stripes", "dots"]),
        ("no sugar cookies", "cookies", ["sugar"]),
        ("cookies, no sugar", "cookies", ["sugar"]),
        ("dress without long sleeves blue", "dress blue", ["long sleeves"]),
        ("shorts without mesh liner", "shorts", ["mesh liner"]),
        ("bikini w/o padding", "bikini", ["padding"]),
        ("bread free from gluten", "bread", ["gluten"]),
        ("sugar-free gum", "sugar-free gum", ["sugar"]),
        ("sugar free gum", "sugar free gum", ["sugar"]),
        ("sleeveless dress", "sleeveless dress", ["sleeve"]),
        ("Kleid ohne Ärmel", "Kleid", ["Ärmel"]),
        ("zuckerfreie Limonade", "zuckerfreie Limonade", ["zucker"]),
        ("robe sans manches", "robe", ["manches"]),
        ("cerveza sin alcohol", "cerveza", ["alcohol"]),
        ("不含糖的饮料", "饮料", ["糖"]),
        ("没有条纹的衬衫", "衬衫", ["条纹"]),
        ("無袖連衣裙", "連衣裙", ["袖"]),
        ("silverware box without silverware", "silverware box without silverware", []),
        ("listen without prejudice shirt", "listen without prejudice shirt", []),
    ],
)
def test_it_is_taken_out_of_the_text(text: str, wanted: str, unwanted: list[str]) -> None:
    assert split_negations(text) == NegatedText(wanted, tuple(unwanted))


NOTHING_NEGATED = """wireless mouse, 无线耳机, non slip mat, wrinkle free shirt, no, without, free shipping,
no 5 perfume, seamless leggings, shirt without, ohne, stainless steel, without stripes, nothing"""
WORDS = "without no or free of dress sugar sugar-free w/o ohne 不含 糖 , ."


@pytest.mark.parametrize("text", NOTHING_NEGATED.replace("\n", " ").split(", "))
def test_what_negates_nothing_or_says_nothing_else_stays_as_it_is(text: str) -> None:
    assert split_negations(text) == NegatedText(text)


@given(st.text() | st.lists(st.sampled_from(WORDS.split())).map(" ".join))
def test_any_text_is_understood_and_something_of_it_is_left(text: str) -> None:
    text = normalise_text(text)
    split = split_negations(text)
    assert split.text == text if not split.excluded else any(map(str.isalnum, split.text))
    assert all(term and term in text for term in split.excluded) or not text.isascii()


def test_what_has_an_unwanted_thing_has_a_word_of_its_own_for_it() -> None:
    found = [excluded_forms(word)[-1] for word in ("stripes", "dots", "hood", "sleeves", "padding", "条纹")]
    assert found == ["striped", "dotted", "hooded", "sleeved", "padded", "条纹"]


async def search(client: httpx.AsyncClient, **request: Any) -> dict[str, Any]:
    response = await client.post("/v1/search", json={"k": 100} | request)
    assert response.status_code == 200, response.text
    return response.json()


def ids(found: dict[str, Any]) -> list[str]:
    return [hit["product_id"] for hit in found["hits"]]


async def test_products_that_lack_it_come_before_those_that_have_it(make_shop: MakeShop) -> None:
    shop = make_shop()
    for at, case in enumerate(CASES):
        await shop.put(f"{at}-suits", **case.suits)
        await shop.put(f"{at}-unsuited", **case.unsuited)
    wrong: list[str] = []
    async with shop.client() as client:
        for at, case in enumerate(CASES):
            found = await search(client, text=case.query, weights={"lexical": 1, "text": 0, "image": 0})
            places = {product_id: place for place, product_id in enumerate(ids(found))}
            if places[f"{at}-suits"] > places.get(f"{at}-unsuited", 1_000) or not found["understood"]["excluded"]:
                wrong.append(case.query)
    assert wrong == []


async def test_it_is_named_explained_and_switched_off(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("striped", title="Cotton shirt with stripes")
    await shop.put("plain", title="Cotton shirt", description="soft")
    await shop.put("denies", title="Cotton shirt", description="soft, no stripes")
    async with shop.client() as client:
        text = "shirt without stripes"
        found = await search(client, text=text)
        assert found["understood"]["excluded"] == ["stripes"]
        assert ids(found) == ["denies", "plain", "striped"]
        plain = await search(client, text=text, exclusion_phrases=False)
        assert "understood" not in plain and ids(plain)[0] != "plain"
        told = await client.post("/v1/explain", json={"query": {"text": text}, "product_id": "striped"})
        assert [note["detail"] for note in told.json()["notes"] if note["kind"] == "ranked_down"] == [
            "the query ranks down products with “stripes” (in title)"
        ]
        # A dash is stricter than words.
        assert ids(await search(client, text="shirt -stripes")) == ["plain"]


async def test_what_has_it_comes_last_however_near_it_is_and_is_counted(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("named", title="Dress with stripes", brand="Dress")
    await shop.put("plain", title="Evening dress of red silk and lace for tall guests at the opera")
    async with shop.client() as client:
        for user in ({}, {"user_id": "anyone"}):
            for _ in range(3):
                found = await search(client, text="dress without stripes", floor=0, facets=["brand"], **user)
                assert ids(found) == ["plain", "named"] and found["total"] == 2
                assert found["facets"]["brand"] == [{"value": "Dress", "count": 1}]


async def test_a_compound_has_what_it_ends_in_but_not_what_it_denies(make_shop: MakeShop) -> None:
    shop = make_shop(refresh_intervals=RefreshIntervals(poll_s=0.01))
    await shop.put("compound", title="Dress pinstriped")
    await shop.put("opposite", title="Dress in unstriped linen, wide and long and light")
    async with shop.app.router.lifespan_context(shop.app), shop.client() as client:
        async with asyncio.timeout(5):
            while ids(await search(client, text="dress without stripes", floor=0)) != ["opposite", "compound"]:
                await asyncio.sleep(0.01)


async def test_a_cached_answer_learns_that_a_product_has_it_now(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("a", title="Cotton shirt")
    await shop.put("b", title="Cotton shirt")
    async with shop.client() as client:
        assert ids(await search(client, text="shirt no stripes")) == ["a", "b"]
        await shop.put("a", title="Cotton shirt", description="stripes")
        assert ids(await search(client, text="shirt no stripes")) == ["b", "a"]
