"""Words of the catalogue, and words that were meant to be of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from query_api.understanding.spelling import apply_corrections, find_corrections
from query_api.understanding.vocabulary import Vocabulary, correctable_words, product_words


def vocabulary(**counts: int) -> Vocabulary:
    words = Vocabulary()
    for word, count in counts.items():
        for _ in range(count):
            words.add({word})
    return words


KNOWN = vocabulary(hoodie=5, hoodies=1, zanzibar=1, sneaker=3, bottle=2, battle=1, waterproof=4, dress=9, blue=3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hodie", {"hodie": "hoodie"}),
        ("hoodei", {"hoodei": "hoodie"}),
        ("hoodxie", {"hoodxie": "hoodie"}),
        ("bittle", {"bittle": "bottle"}),
        ("watreprof", {"watreprof": "waterproof"}),
        ("red Snaeker, BLEU", {"snaeker": "sneaker", "bleu": "blue"}),
        ("蓝色 hodie", {"hodie": "hoodie"}),
        ("sneakers dresses", {}),
        ("hdie", {}),
        ("hodei", {}),
        ("bluu blu dre ss", {"bluu": "blue"}),
        ("glue lbue", {"lbue": "blue"}),
        ("snaekre goodie", {"goodie": "hoodie"}),
        ("h00die mh01 hoodie2", {}),
        ("under with from best gift", {}),
        ("连衣裙", {}),
        ("", {}),
    ],
)
def test_unknown_words_are_corrected_by_few_mistakes_then_by_frequency(text: str, expected: dict[str, str]) -> None:
    assert find_corrections([text], KNOWN) == expected


def test_corrections_keep_capitals_and_all_else() -> None:
    assert (
        apply_corrections("Bluu, HODIE! -hodie 50%", {"bluu": "blue", "hodie": "hoodie"}) == "Blue, HOODIE! -hoodie 50%"
    )
    assert apply_corrections("blue bluu", {}) == "blue bluu"


def test_words_of_a_product_are_those_of_its_title_brand_category_and_attributes() -> None:
    fields = {
        "title": "Café-Racer Jacket MH01 红色",
        "brand": "Zoë's",
        "category": "Men/Tops",
        "attributes": {"fabric": ["Cotton", "Ｗｏｏｌ"], "size": "M"},
        "description": "breathable",
    }
    assert product_words(fields) == {"cafe", "racer", "jacket", "zoe", "men", "tops", "cotton", "wool"}


def test_the_rarest_words_go_when_there_are_too_many() -> None:
    words = Vocabulary(max_words=4)
    for _ in range(3):
        words.add({"jacket", "hoodie"})
    words.add({"rare", "seldom", "scarce"})
    assert len(words) == 2 and words.has_word("jacket") and words.has_word("jackets") and not words.has_word("seldom")


def test_learning_counts_just_new_words() -> None:
    words = vocabulary(hoodie=2)
    words.add_new({"hoodie", "jacket"})
    assert (words.count("hoodie"), words.count("jacket")) == (2, 1)


@given(st.text())
def test_no_text_breaks_it_and_corrected_texts_need_no_more_correction(text: str) -> None:
    better = apply_corrections(text, find_corrections([text], KNOWN))
    assert apply_corrections(better, find_corrections([better], KNOWN)) == better
    assert all(text[start:end] for _, start, end in correctable_words(text))


@given(st.text(alphabet="0123456789 红裙abc", max_size=40))
def test_a_text_without_longer_words_is_unchanged(text: str) -> None:
    short = " ".join(word[:3] for word in text.split())
    assert find_corrections([short], KNOWN) == {}


@given(st.lists(st.text("abcdeфé", min_size=3, max_size=10), max_size=20), st.text("abcdeфé", min_size=4, max_size=10))
def test_no_word_within_the_edits_is_missed(words: list[str], word: str) -> None:
    known = Vocabulary()
    known.add(words)
    for most in (1, 2):
        assert {near for near in words if OSA.distance(word, near) <= most} <= set(known.near_words(word, most))
