"""Which words are a price, and which only look like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.contract.text import normalise_text
from query_api.understanding.price_phrases import parse_price
from query_api.understanding.price_words import word_set

WORDS = st.sampled_from(
    sorted(
        word_set(
            "under over between and to 20 50 $ € 元 dollars cm 低于 以下 不超过 1,000 49,99 mug kids - price 的 五十 <"
        )
    )
)


@pytest.mark.parametrize(
    ("text", "rest", "bounds"),
    [
        ("mug under 50", "mug", {"lt": 50}),
        ("Mug Below $50 for men", "Mug for men", {"lt": 50}),
        ("under 50 hoodies", "hoodies", {"lt": 50}),
        ("less than 50 euros", "", {"lt": 50}),
        ("laptop under $1,000.50", "laptop", {"lt": 1000.5}),
        ("mug under 49,99 €", "mug", {"lt": 49.99}),
        ("mug over 20", "mug", {"gt": 20}),
        ("mug at least 20", "mug", {"gte": 20}),
        ("mug no more than 20", "mug", {"lte": 20}),
        ("between 20 and 50", "", {"gte": 20, "lte": 50}),
        ("mug 20-50 dollars", "mug", {"gte": 20, "lte": 50}),
        ("$50–$20 mug", "mug", {"gte": 20, "lte": 50}),
        ("over 20 under 50 mug", "mug", {"gt": 20, "lt": 50}),
        ("price < 50", "", {"lt": 50}),
        ("50 dollars or less", "", {"lte": 50}),
        ("iphone 15 under 500", "iphone 15", {"lt": 500}),
        ("低于50元", "", {"lt": 50}),
        ("连衣裙低于５０元", "连衣裙", {"lt": 50}),
        ("50元以下的连衣裙", "连衣裙", {"lte": 50}),
        ("不超过50", "", {"lte": 50}),
        ("20到50元", "", {"gte": 20, "lte": 50}),
        ("在20元至50元之间的杯子", "杯子", {"gte": 20, "lte": 50}),
        ("高于100元", "", {"gt": 100}),
        ("价格不低于100", "", {"gte": 100}),
        ("五十元以内 杯子", "杯子", {"lte": 50}),
        ("三百二十元以下", "", {"lte": 320}),
        ("red dress 红裙 under ￥300", "red dress 红裙", {"lt": 300}),
    ],
)
def test_price_phrases_are_understood_and_taken_out(text: str, rest: str, bounds: dict[str, float]) -> None:
    found = parse_price(normalise_text(text))
    assert found is not None
    assert (found.remaining_text, dict(found.bounds)) == (rest, bounds)


@pytest.mark.parametrize(
    "text",
    [
        "cheap",
        "under armour",
        "under armour 2.0",
        "size under 10 cm",
        "size under 10",
        "over 30 litres",
        "under 10cm",
        "iphone 15 under warranty",
        "over the knee",
        "20-50",
        "vitamins for women over 50",
        "games for kids under 5",
        "at least 20 pieces",
        "under 50%",
        "between 20 and 50 litres",
        "between 2 and 4 years",
        "rating over 4",
        "under 50 pounds",
        "$50",
        "50 dollars",
        "2-pack",
        "from 20",
        "max 50",
        "5 or more",
        "under 5k",
        "over 18s",
        "超过30升",
        "身高低于150",
        "低于50厘米",
        "3岁以上",
        "120cm以下",
        "50元",
        "45-50 码",
        "满200减50",
    ],
)
def test_other_numbers_are_no_price(text: str) -> None:
    assert parse_price(text) is None


@pytest.mark.parametrize(
    ("text", "currency"), [("under 50", None), ("under 50 euros", "EUR"), ("under ¥50", None), ("低于50元", "CNY")]
)
def test_the_currency_is_told_where_it_is_clear(text: str, currency: str | None) -> None:
    found = parse_price(text)
    assert found is not None and found.currency == currency


@given(st.text() | st.lists(WORDS, max_size=12).map(" ".join) | st.lists(WORDS, max_size=12).map("".join))
def test_no_text_breaks_it_and_what_is_left_names_no_price(text: str) -> None:
    found = parse_price(normalise_text(text))
    if found is not None:
        assert found.bounds and found.phrase
        assert parse_price(found.remaining_text) is None


@given(st.text().filter(lambda text: not any(letter.isdigit() or letter in "元块" for letter in text)))
def test_a_text_without_numbers_names_no_price(text: str) -> None:
    assert parse_price(normalise_text(text)) is None
