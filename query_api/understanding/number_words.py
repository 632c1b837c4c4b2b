"""Number words in transcripts: `shoes under twenty five` becomes `shoes under 25`, and `seven seas` stays. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, islice
from typing import Final

import msgspec

from encoders.speech.port import Transcript
from query_api.understanding.price_phrases import PricePhrase, parse_price
from query_api.understanding.price_words import MEASURE_WORDS, UNIT_WORDS

ONES: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS: Final = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES: Final = {word: value for value, word in enumerate(chain(ONES, TEENS), start=1)} | {
    word: 10 * tens for tens, word in enumerate(TENS, start=2)
}
_DIGIT = "|".join(ONES)
_FROM_TEN = f"(?:(?:{'|'.join(TENS)})(?: (?:{_DIGIT}))?|{'|'.join(TEENS)})"
_BELOW_HUNDRED = f"(?:{_FROM_TEN}|{_DIGIT})"
_NUMBER = re.compile(
    rf"\b(?:(?P<thousands>{_BELOW_HUNDRED}|a) thousand\b ?(?:and )?)?"
    rf"(?:(?P<hundreds>{_BELOW_HUNDRED}|a) hundred\b ?(?:and )?)?"
    rf"(?:(?P<rest>{_BELOW_HUNDRED})(?: (?P<cents>{_FROM_TEN}))?\b)?"
)
MAX_NUMBERS: Final = 32
"""How many numbers of a text are looked at: for each, prices are looked for without it."""
_LONGEST_WORD: Final = 32
_LEAST_AMOUNT: Final = 10
"""The least number before a unit that becomes digits: below, it is often of a name (`one piece`)."""
_LAST_WORD = re.compile(r"([a-z]+) \Z")
_NEXT_WORD = re.compile(r" ([a-z]+)")


def replace_number_words(text: str) -> str:
    """A transcribed text with digits in place of number words, where these are surely meant as a number.

    That is where they are a price, follow the name of a measure (`size nine`), or are at least ten and stand before a
    unit (`fifty grams`). Others stay words, as they may be of a name or a title. Two numbers in a row of which the
    second is at least ten are an amount and its hundredths: `nineteen ninety nine` is 19.99.
    """
    numbers = list(islice((match for match in _NUMBER.finditer(text) if match[0].strip()), MAX_NUMBERS))
    if not numbers:
        return text
    price = parse_price(_replace_with_digits(text, numbers))
    meant = [
        number
        for number in numbers
        if _is_measure(text, number) or (price and _is_in_price(text, numbers, number, price))
    ]
    return _replace_with_digits(text, meant)


def normalise_transcript(transcript: Transcript) -> Transcript:
    """A transcript with digits for its numbers, and with alternatives that have no price.

    A price is only taken from the text, and its words in an alternative would be searched for as words.
    """
    alternatives = [replace_number_words(alternative) for alternative in transcript.alternatives]
    priceless = [price.remaining_text if (price := parse_price(text)) else text for text in alternatives]
    distinct = tuple(dict.fromkeys(filter(None, priceless)))
    return msgspec.structs.replace(transcript, text=replace_number_words(transcript.text), alternatives=distinct)


def _is_in_price(text: str, numbers: Sequence[re.Match[str]], number: re.Match[str], price: PricePhrase) -> bool:
    """Whether the price has other bounds when this number stays a word."""
    others = [match for match in numbers if match is not number]
    price_without = parse_price(_replace_with_digits(text, others))
    return price_without is None or price_without.bounds != price.bounds


def _is_measure(text: str, number: re.Match[str]) -> bool:
    """Whether the word before a number names a measure, or the number is at least ten and a unit follows."""
    before = _LAST_WORD.search(text, max(0, number.start() - _LONGEST_WORD), number.start())
    after = _NEXT_WORD.match(text, _end(number))
    in_units = after is not None and after[1] in UNIT_WORDS and float(_digits(number)) >= _LEAST_AMOUNT
    return in_units or (before is not None and before[1] in MEASURE_WORDS)


def _replace_with_digits(text: str, numbers: Sequence[re.Match[str]]) -> str:
    pieces: list[str] = []
    end = 0
    for number in numbers:
        pieces += [text[end : number.start()], _digits(number)]
        end = _end(number)
    return "".join([*pieces, text[end:]])


def _end(number: re.Match[str]) -> int:
    """The place at which its words end, without an `and` or a blank that the pattern took with them."""
    return number.start() + len(number[0].removesuffix(" and ").rstrip())


def _digits(number: re.Match[str]) -> str:
    whole = 1_000 * _value(number["thousands"]) + 100 * _value(number["hundreds"]) + _value(number["rest"])
    return f"{whole}.{_value(number['cents'])}" if number["cents"] else str(whole)


def _value(words: str | None) -> int:
    """The value of number words below a hundred; `a`, as in `a hundred`, is 1, no words are 0."""
    return sum(_VALUES.get(word, 1) for word in words.split()) if words else 0
