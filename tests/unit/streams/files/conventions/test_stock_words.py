"""Words for yes, no and in stock."""

from __future__ import annotations

import pytest

from streams.files.conventions.stock_words import LATER, NO, YES, UnknownWord, is_later, read_flag


@pytest.mark.parametrize(
    "word",
    [
        "in_stock",
        "InStock",
        "https://schema.org/InStock",
        "Auf Lager!",
        "lieferbar",
        "en stock",
        "Disponibile",
        "skladem",
        "в наличии",
        "有货",
        "在庫あり",
        "12 Stück",
        ">10",
        "10+",
        3,
        "W magazynie",
        "ja",
        "sí",
        "是",
    ],
)
def test_words_of_many_shops_say_that_something_is_there(word: object) -> None:
    assert read_flag(word)


@pytest.mark.parametrize(
    "word",
    [
        "out_of_stock",
        "SoldOut",
        "http://schema.org/OutOfStock",
        "Nicht auf Lager",
        "rupture de stock",
        "agotado",
        "brak",
        "нет в наличии",
        "缺货",
        "在庫切れ",
        "품절",
        0,
        "0",
        "-1",
        "nein",
        "preorder",
        "BackOrder",
        "vorbestellbar",
    ],
)
def test_words_of_many_shops_say_that_it_is_not(word: object) -> None:
    assert not read_flag(word)


def test_what_can_be_ordered_but_is_not_there_is_told_apart() -> None:
    assert is_later("https://schema.org/PreOrder") and is_later("on backorder")
    assert not is_later("out of stock") and not is_later(3)


@pytest.mark.parametrize("word", ["perhaps", "3-5 days", "ask us", "x" * 5_000])
def test_an_unknown_word_is_named(word: str) -> None:
    with pytest.raises(UnknownWord, match=word[:10]):
        read_flag(word)


def test_no_word_means_two_things() -> None:
    assert not YES & NO and not YES & LATER and not NO & LATER
