"""Number words of spoken queries: `shoes under twenty five` is `shoes under 25`, and `seven seas` stays. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final

from encoders.speech.port import Transcript
from query_api.understanding.price_phrases import PricePhrase, parse_price
from query_api.understanding.price_words import MEASURE_WORDS, UNIT_WORDS

ONES: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS: Final = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES: Final = {word: at for at, word in enumerate(chain(ONES, TEENS), start=1)} | {
    word: 10 * at for at, word in enumerate(TENS, start=2)
}
_ONE = "|".join(ONES)
_BIG = f"(?:(?:{'|'.join(TENS)})(?: (?:{_ONE}))?|{'|'.join(TEENS)})"
_SMALL = f"(?:{_BIG}|{_ONE})"
_NUMBER = re.compile(
    rf"\b(?:(?P<thousands>{_SMALL}|a) thousand\b ?(?:and )?)?(?:(?P<hundreds>{_SMALL}|a) hundred\b ?(?:and )?)?"
    rf"(?:(?P<rest>{_SMALL})(?: (?P<cents>{_BIG}))?\b)?"
)
_LEAST_AMOUNT: Final = 10
_LAST_WORD = re.compile(r"([a-z]+) \Z")
_NEXT_WORD = re.compile(r" ([a-z]+)")


def replace_number_words(text: str) -> str:
    """A heard text with digits for the number words that are a price, a measure, or from ten on an amount of units.

    Others stay words: they may be of a name or a title. A number and another from ten on are an amount and its
    hundredths: `nineteen ninety nine` is 19.99.
    """
    runs = [found for found in _NUMBER.finditer(text) if found[0].strip()]
    if not runs:
        return text
    price = parse_price(_with_digits_for(text, runs))
    kept = [run for run in runs if _is_measure(text, run) or (price and _is_priced(text, runs, run, price))]
    return _with_digits_for(text, kept)


def normalise_transcript(heard: Transcript) -> Transcript:
    """A transcript with numerals, and alternatives of which no price is looked for as words."""
    alternatives = [replace_number_words(one) for one in heard.alternatives]
    rests = [price.remaining_text if (price := parse_price(one)) else one for one in alternatives]
    return Transcript(replace_number_words(heard.text), tuple(dict.fromkeys(filter(None, rests))), heard.problem)


def _is_priced(text: str, runs: Sequence[re.Match[str]], run: re.Match[str], price: PricePhrase) -> bool:
    """Whether a price says something else without the number."""
    others = parse_price(_with_digits_for(text, [one for one in runs if one is not run]))
    return others is None or others.bounds != price.bounds


def _is_measure(text: str, run: re.Match[str]) -> bool:
    """Whether a word before it says what it measures, or one behind it in what; `one piece` is a name of its own."""
    before, after = _LAST_WORD.search(text, 0, run.start()), _NEXT_WORD.match(text, _end(run))
    in_units = after is not None and after[1] in UNIT_WORDS and float(_digits(run)) >= _LEAST_AMOUNT
    return in_units or (before is not None and before[1] in MEASURE_WORDS)


def _with_digits_for(text: str, runs: Sequence[re.Match[str]]) -> str:
    pieces: list[str] = []
    end = 0
    for run in runs:
        pieces += [text[end : run.start()], _digits(run)]
        end = _end(run)
    return "".join([*pieces, text[end:]])


def _end(run: re.Match[str]) -> int:
    return run.start() + len(run[0].removesuffix(" and ").rstrip())


def _digits(run: re.Match[str]) -> str:
    whole = 1_000 * _value(run["thousands"]) + 100 * _value(run["hundreds"]) + _value(run["rest"])
    return f"{whole}.{_value(run['cents'])}" if run["cents"] else str(whole)


def _value(words: str | None) -> int:
    """Of a number below a hundred; `a hundred` is one."""
    return sum(_VALUES.get(word, 1) for word in words.split()) if words else 0
