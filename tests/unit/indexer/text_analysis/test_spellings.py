"""What somebody writes in one way is found by what another writes in the other."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.text_analysis.analyzer import TERMS_MAX_BYTES, document_terms, lacking_terms, query_terms
from indexer.text_analysis.spellings import MAX_JOINED


def title(text: str) -> set[str]:
    return set(document_terms({"title": text}).split())


def finds(query: str, text: str) -> bool:
    """Whether a title has all terms of a query."""
    return set(query_terms(query).split()) <= title(text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("tshirt", "Cotton T Shirts"),
        ("raincoat", "Kids rain coat yellow"),
        ("laptop", "Lap-Top sleeve"),
        ("airpods", "Apple Air Pods Pro"),
        ("regenjacke", "Damen Regen Jacke"),
        ("redbull", "Red Bull 250 ml"),
    ],
)
def test_a_word_is_found_where_it_is_parted(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3m", "3 meters"),
        ("3-m", "3 m"),
        ("16gb", "16 GB"),
        ("5kg", "5 kilograms"),
        ("1,5 l", "1.5 Liter"),
        ('32"', "32 inch"),
        ("1,000 mg", "1000mg"),
        ("500克", "500 g"),
        ("12 pack", "12-pk"),
    ],
)
def test_a_number_with_its_unit_is_one_term_however_it_is_written(one: str, other: str) -> None:
    assert query_terms(one) == query_terms(other)
    assert finds(one, f"Thing {other} black") and not finds(one, "Thing 7 m of 8 GB")


def test_a_number_alone_finds_what_has_it_with_a_unit_and_prose_stays_prose() -> None:
    assert finds("500", "Olive oil 500ml")
    assert query_terms("5 in 1 charger").split() == ["5", "in", "1", "charger"]


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("Sony WH-1000XM4", "WH-1000XM4, wh 1000 xm4, wh1000xm4, 1000xm4, wh1000 xm4, xm4"),
        ("Sony WH 1000 XM4", "WH-1000XM4, wh1000xm4"),
        ("Apple iPhone 13 case", "iphone13, iPhone-13"),
        ("Apple iPhone13 case", "iphone 13"),
        ("RTX 4090 graphics card", "rtx4090, rtx-4090"),
        ("Valve B-1G-1", "b1 g1, b1g1, b-1g1"),
        ("Tyre 185/60R14 summer", "185 60 r14, 185/60 R14"),
        ("Tyre 7.50R16", "750r16, 7.50r16, 7.50 r16"),
        ("Valve MKJ1973-791", "mkj1973791, mkj 1973 791"),
        ("Samsung S21+ case", "s21 plus, s21+, s21plus"),
    ],
)
def test_a_code_is_found_in_any_spelling(text: str, queries: str) -> None:
    assert [query for query in queries.split(", ") if not finds(query, text)] == []


def test_another_code_is_not_found() -> None:
    assert not finds("wh1000xm4", "Sony WH-1000XM3") and not finds("iphone13", "iPhone 12, 13 colours")


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("Levi’s jeans", "levis, levi's, levi"),
        ("L'Oréal shampoo", "l oreal, loreal, L’Oreal, l´oréal"),
        ("O'Neill boardshorts", "oneill, o neill, o'neill"),
        ("Ben & Jerry's", "ben jerrys, ben & jerry's"),
        ("Rock'n'Roll tee", "rock n roll, rocknroll"),
        ("Women’s shoes", "womens shoes, women shoe, woman shoes"),
    ],
)
def test_apostrophes_part_no_word_from_itself(text: str, queries: str) -> None:
    assert [query for query in queries.split(", ") if not finds(query, text)] == []


@pytest.mark.parametrize(
    ("query", "has", "has_not"),
    [
        ("c++", "C++ Primer", "C Programming"),
        ("c#", "C# in Depth", "C Programming"),
        ("c", "C Programming", "C++ Primer"),
        (".net", ".NET Core in Action", "Fishing net"),
        ("🦄", "Socks with unicorn print", "Plain socks"),
        ("unicorn", "Socks with 🦄 print", "Plain socks"),
        ("i ♥ ny", "I ❤️ NY mug", "I NY mug"),
        ("nike", "Nike™ Air", "Nikon"),
    ],
)
def test_signs_mean_something(query: str, has: str, has_not: str) -> None:
    assert finds(query, has) and not finds(query, has_not)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("電飯煲", "电饭煲"),
        ("簡體中文書法", "简体中文书法"),
        ("藍牙耳機", "蓝牙耳机"),
        ("手機殼", "手机壳"),
        ("連衣裙", "连衣裙"),
    ],
)
def test_traditional_and_simplified_are_the_same(one: str, other: str) -> None:
    assert query_terms(one) == query_terms(other)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("at&t sim", "AT&T prepaid SIM"),
        ('1/2" elbow', 'Elbow 1/2" brass'),
        ("c:\\windows", "Path C:\\Windows mug"),
        ("\x00tv 100%", "TV 100% new"),
        ("bois/lasure", "Bois trait/ lasure 1 L"),
        ("' OR 1=1 --", "Either or 1 = 1"),
        ("(usb-c)", "Cable [USB-C] 2m"),
    ],
)
def test_signs_that_mean_nothing_part_words_and_change_none(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize("query", [",", '"', "\\", "%", "(((", "--", "\x00"])
def test_a_query_of_signs_alone_has_no_terms(query: str) -> None:
    assert query_terms(query) == ""


@pytest.mark.parametrize(
    ("query", "has", "has_not"),
    [
        ("表", "男士手表", "男士手套"),
        ("耳机", "无线蓝牙耳机", "无线蓝牙音箱"),
        ("茶", "绿茶杯", "咖啡杯"),
        ("葡萄", "青葡萄干", "苹果干"),
        ("方便", "安装方便的桌子", "桌子"),
        ("书包", "小学生书包", "小学生书桌"),
    ],
)
def test_a_chinese_word_is_found_within_longer_ones(query: str, has: str, has_not: str) -> None:
    assert finds(query, has) and not finds(query, has_not)


@pytest.mark.parametrize("query", ["Küche", "kueche", "kuche", "KÜCHE", "Ku\u0308che"])
def test_umlauts_are_found_in_each_of_their_writings(query: str) -> None:
    assert finds(query, "Regal für die Küche")


def test_letters_with_a_stroke_are_found_without() -> None:
    assert query_terms("smørrebrød Łódź") == query_terms("smorrebrod lodz")


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Sleeveless dress", "sleeves"),
        ("Dress without any sleeves", "sleeve"),
        ("No sugar, no caffeine", "caffeine"),
        ("Cola sugar-free", "sugar"),
        ("free from gluten or lactose", "lactose"),
        ("Saft ohne Zucker", "zucker"),
        ("zuckerfreie Limonade, zuckerfrei", "Zucker"),
        ("chemise sans manches", "manches"),
        ("cerveza sin alcohol", "alcohol"),
        ("不含糖的饮料", "糖"),
        ("無袖連衣裙", "袖子"),
        ("没有条纹的衬衫", "条纹"),
    ],
)
def test_a_text_that_says_what_it_is_without_is_known_for_it(text: str, without: str) -> None:
    assert set(lacking_terms(without)) <= title(text)


@pytest.mark.parametrize("text", ["Dress with long sleeves", "Sugar 1 kg", "含糖饮料", "条纹衬衫"])
def test_a_text_that_has_it_is_not(text: str) -> None:
    lacking = {*lacking_terms("sleeves"), *lacking_terms("sugar"), *lacking_terms("糖"), *lacking_terms("条纹")}
    assert title(text).isdisjoint(lacking)


WORDS = st.text("abcdeghk", min_size=3, max_size=MAX_JOINED // 2)
CODES = st.lists(
    st.one_of(st.text("bcdfgk", min_size=1, max_size=4), st.text("123", min_size=1, max_size=4)), min_size=2, max_size=4
)


@given(WORDS, WORDS)
def test_words_are_found_joined_where_they_are_parted_and_hyphenated(first: str, second: str) -> None:
    assert finds(first + second, f"{first} {second}") and finds(first + second, f"{first}-{second}")


@given(CODES, st.data())
def test_any_way_to_separate_a_code_finds_it(pieces: list[str], data: st.DataObject) -> None:
    kinds = [piece.isdigit() for piece in pieces]
    if len(set(kinds)) < 2 or any(one == next_one for one, next_one in pairwise(kinds)):
        return
    separated = "".join(piece + data.draw(st.sampled_from(["", " ", "-"])) for piece in pieces)
    written = "".join(piece + data.draw(st.sampled_from(["", "-"])) for piece in pieces)
    assert finds(separated, written)


@given(st.text())
def test_a_text_is_found_by_itself_and_its_analysis_is_the_same_again(text: str) -> None:
    terms = query_terms(text)
    assert set(terms.split()) <= title(text) or len(document_terms({"title": text})) >= TERMS_MAX_BYTES - 64
    assert query_terms(text) == terms
