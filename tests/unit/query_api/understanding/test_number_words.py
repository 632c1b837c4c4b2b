"""Which spoken number words become digits, and which stay words."""

from __future__ import annotations

import pytest

from encoders.speech.port import Transcript
from query_api.understanding.number_words import normalise_transcript, replace_number_words
from query_api.understanding.price_phrases import parse_price


@pytest.mark.parametrize(
    ("heard", "read"),
    [
        ("red shoes under fifty", "red shoes under 50"),
        ("less than twenty five", "less than 25"),
        ("mug over a hundred and twenty", "mug over 120"),
        ("mug over one hundred", "mug over 100"),
        ("sofa under two thousand five hundred", "sofa under 2500"),
        ("sofa under a thousand dollars", "sofa under 1000 dollars"),
        ("between twenty and thirty five", "between 20 and 35"),
        ("mug over twenty and under fifty", "mug over 20 and under 50"),
        ("socks under nineteen ninety nine", "socks under 19.99"),
        ("shoes size nine", "shoes size 9"),
        ("hammer of five hundred grams", "hammer of 500 grams"),
        ("ten dollars or less", "10 dollars or less"),
    ],
)
def test_prices_and_measures_are_written_in_digits(heard: str, read: str) -> None:
    assert replace_number_words(heard) == read


@pytest.mark.parametrize(
    "heard",
    ["seven seas fish oil", "one piece swimsuit", "twenty one pilots shirt", "", "mug"],
)
def test_number_words_of_names_and_titles_stay(heard: str) -> None:
    assert replace_number_words(heard) == heard


def test_a_name_stays_a_word_beside_a_price() -> None:
    read = replace_number_words("seven seas tablets under twenty")
    assert read == "seven seas tablets under 20"
    price = parse_price(read)
    assert price is not None and (price.remaining_text, dict(price.bounds)) == ("seven seas tablets", {"lt": 20})


def test_alternatives_are_looked_for_without_their_prices() -> None:
    heard = normalise_transcript(Transcript("red shoes under fifty", ("red shoes under fifteen", "bread shoes")))
    assert heard == Transcript("red shoes under 50", ("red shoes", "bread shoes"))
