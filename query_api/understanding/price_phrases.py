"""Prices in a query's words: `under 50`, `20-50 dollars`, `低于50元`. Pure.

A phrase counts where its meaning is clear: it names a currency or a price, or its number stands at the end, or before
a word that goes on with something else; never where a unit follows, or a measure or an age comes before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from query_api.understanding.price_words import (
    AGE_WORDS,
    CURRENCIES,
    MAX_CHILD_AGE,
    MEASURE_CHARACTERS_ZH,
    MEASURE_WORDS,
    PRICE_WORDS,
    PRICE_WORDS_ZH,
    UNIT_CHARACTERS_ZH,
    UNIT_WORDS,
    WORDS_AFTER_PRICE,
)

MAX_PRICE = 1e9
_DASH = "(?:-|–|—|−|~|～|－|to|and|到|至|和)"
_ENGLISH = {
    "lte": "no more than|not more than|not over|at most|up to|maximum of|maximum|max",
    "gte": "no less than|not less than|at least|starting at|starting from|minimum of|minimum|min|from",
    "lt": "less than|lower than|cheaper than|under|below",
    "gt": "more than|higher than|greater than|over|above",
}
_CHINESE = {
    "lte": "不超过|不高于|不多于|不大于|最多|至多|最高",
    "gte": "不低于|不少于|不小于|至少|最少|起码|最低",
    "lt": "低于|少于|小于|不到|不足|便宜于",
    "gt": "高于|超过|大于|多于|贵于",
}
_SIGNS = {"lte": "<=|≤", "gte": ">=|≥", "lt": "<", "gt": ">"}
_SUFFIXES = {
    "lte": "or less|or under|or below|or cheaper|and under|and below|max|maximum|以下|以内|之内|之下",
    "gte": "or more|or over|or above|and up|and over|and above|以上|之上|起",
}
_NEEDS_CURRENCY = frozenset(
    ["starting at", "starting from", "minimum", "maximum", "minimum of", "maximum of", "max", "min", "from", "up to"]
)
"""Words that bound so much else that only a currency or a price makes theirs a price."""


@dataclass(frozen=True, slots=True)
class PricePhrase:
    """What a text says of the price, and the text without it."""

    remaining_text: str
    phrase: str
    """As it was written; several phrases with a blank between."""
    bounds: Mapping[str, float]
    """`gt`, `gte`, `lt`, `lte` of a price filter."""
    currency: str | None
    """ISO 4217, where the phrase says so: it says what the shopper thinks in, and restricts nothing."""


def parse_price(text: str) -> PricePhrase | None:
    """The price in a normalised text; None: it names none."""
    rest, phrases, bounds, currency = text, list[str](), dict[str, float](), None
    while found := _first_match(rest):
        start, end, own, money = found
        phrases.append(rest[start:end].strip().removesuffix("的"))
        # The first phrase of a side counts: `under 50 under 40` is not understood, just taken out.
        bounds = {sign: bound for sign, bound in own.items() if not _has_bound(bounds, sign)} | bounds
        currency = currency or money
        rest = _join_around(rest[:start], rest[end:])
    return PricePhrase(rest, " ".join(phrases), bounds, currency) if phrases else None


_Found = tuple[int, int, dict[str, float], str | None]


def _first_match(text: str) -> _Found | None:
    if not _NUMBER_SOMEWHERE.search(text):
        return None
    return next((one for pattern in (_RANGE, _PREFIXED, _SUFFIXED) for one in _matches(pattern, text)), None)


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[_Found]:
    at = 0
    while found := pattern.search(text, at):
        read = _parse_match(found, text)
        if read is not None:
            yield read
        at = found.start() + 1


def _parse_match(found: re.Match[str], text: str) -> _Found | None:
    groups = found.groupdict()
    low, high = _number(groups["low"]), _number(groups.get("high"))
    signs = [sign for sign in _SIGNS if groups.get(sign)]
    money = [one for name in ("before", "after", "before2", "after2") if (one := (groups.get(name) or "").strip())]
    marked = bool(money or groups.get("named"))
    if low is None or not 0 < low <= MAX_PRICE or not (marked or _is_clear(found, text, low, groups, signs)):
        return None
    if high is None and groups.get("high") is not None:
        return None
    bounds = {signs[0]: low} if high is None else {"gte": min(low, high), "lte": max(low, high)}
    end = found.end() + (text[found.end() : found.end() + 1] == "的")
    return found.start(), end, bounds, next((CURRENCIES[one.lower()] for one in money), "") or None


def _is_clear(
    found: re.Match[str], text: str, number: float, groups: Mapping[str, str | None], signs: list[str]
) -> bool:
    """Whether a phrase without a currency is about a price all the same."""
    word = next((groups[sign] or "" for sign in signs), "").lower()
    between = (groups.get("opening") or "").strip().lower() == "between"
    # A bare `20-50`, `20 or more`, `from 20` or `<5` may be anything.
    if word in _NEEDS_CURRENCY or not (word[:1].isalpha() or between) or (found.re is _SUFFIXED and word.isascii()):
        return False
    before = _LAST_WORD.search(text, 0, found.start())
    return _fits_after(found, text) and not _is_measured((before[1] if before else "").lower(), signs, number)


def _fits_after(found: re.Match[str], text: str) -> bool:
    rest = text[found.end() :]
    follows = _NEXT_WORD.match(rest)
    if follows is None:
        return not rest.strip() or rest.lstrip()[0] in ".,;!?)，。；！？、"
    word = follows[1].lower()
    if not word.isascii():
        return word[0] not in UNIT_CHARACTERS_ZH and (rest[0] == " " or word[0] == "的")
    at_start = not text[: found.start()].strip()
    return word in WORDS_AFTER_PRICE or (
        at_start and bool(found.groupdict().get("lt")) and word not in UNIT_WORDS and word.isalpha()
    )


def _is_measured(before: str, signs: list[str], number: float) -> bool:
    """Whether the word before a phrase makes it a measure or an age."""
    if before in AGE_WORDS:
        return number <= MAX_CHILD_AGE or not any(sign in ("lt", "lte") for sign in signs)
    return before in MEASURE_WORDS or before[-1:] in MEASURE_CHARACTERS_ZH


def _has_bound(bounds: Mapping[str, float], sign: str) -> bool:
    """Whether that side has a bound already."""
    return any(one[0] == sign[0] for one in bounds)


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    if text[0] in _DIGITS_ZH or text[0] in _TENS_ZH:
        return _chinese_number(text)
    # `49,99` is 49.99, `1,000` is 1000.
    plain = re.sub(r",(\d{1,2})$", r".\1", text).replace(",", "")
    return float(plain)


def _chinese_number(text: str) -> float | None:
    """`三百五十` → 350. None: it is no number."""
    total, section, digit = 0, 0, 0
    for character in text:
        if character in _DIGITS_ZH:
            digit = _DIGITS_ZH[character]
        elif character == "万":
            total, section, digit = (total + section + digit) * 10_000, 0, 0
        else:
            section, digit = section + (digit or 1) * _TENS_ZH[character], 0
    return float(total + section + digit) or None


def _join_around(before: str, after: str) -> str:
    """The text around a phrase; blanks are left between words that were apart."""
    before, after = before.rstrip(), after.lstrip()
    joined = f"{before} {after}".strip(" ,;，；、")
    return joined if any(map(str.isalnum, joined)) else ""


_DIGITS_ZH = {"零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS_ZH = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
_HAN_NUMBER = "[一二两三四五六七八九十百][零一二两三四五六七八九十百千万]*(?=元|块)"
_NUMBER_SOMEWHERE = re.compile(rf"\d|{_HAN_NUMBER}")
_LAST_WORD = re.compile(r"([^\W\d_]+)\W*\Z")
_NEXT_WORD = re.compile(r"\s*([^\W_]+)")


def _alternatives(words: Mapping[str, str] | dict[str, str]) -> str:
    return "|".join(f"(?P<{sign}>{one})" for sign, one in words.items())


def _amount(number: str, tag: str = "") -> str:
    """A number with a currency before or after it perhaps, and no letter, digit or percent sign right behind."""
    signs = "|".join(sorted(map(re.escape, ("us$", "$", "€", "£", "¥", "￥", "₹", "＄", "eur", "usd", "gbp", "rmb"))))
    words = "|".join(sorted(map(re.escape, CURRENCIES), key=len, reverse=True))
    plain = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,12}(?:[.,]\d{1,2})?"
    return (
        rf"(?P<before{tag}>(?:{signs})\s?)?(?P<{number}>{plain}|{_HAN_NUMBER})(?![\d%°]|[.,]\d)"
        rf"(?:\s?(?P<after{tag}>{words})(?![a-z]))?(?![a-z])"
    )


_NAMED = (
    rf"(?P<named>\b(?:{'|'.join(PRICE_WORDS)})\b(?: (?:is|of|range))?:? ?"
    rf"|(?:{'|'.join(PRICE_WORDS_ZH)})(?:在|为|是)? ?)?"
)
_SIDES = {sign: rf"\b(?:{_ENGLISH[sign]})\b|{_CHINESE[sign]}|{_SIGNS[sign]}" for sign in _SIGNS}
_PREFIXED = re.compile(rf"{_NAMED}(?:{_alternatives(_SIDES)})\s?{_amount('low')}", re.IGNORECASE)
_SUFFIXED = re.compile(
    rf"{_NAMED}(?<![\w.,])(?:{_amount('low')})\s?(?:{_alternatives(_SUFFIXES)})(?![a-z])", re.IGNORECASE
)
_RANGE = re.compile(
    rf"{_NAMED}(?P<opening>\bbetween\b ?|\bfrom\b ?|在|从)?(?<![\d.,-])(?<![a-z])"
    rf"{_amount('low')}\s?{_DASH}\s?{_amount('high', '2')}(?P<closing>之间)?",
    re.IGNORECASE,
)
