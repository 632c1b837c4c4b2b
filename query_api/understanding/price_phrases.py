"""Prices in a query's words: `under 50`, `20-50 dollars`, `低于50元`. Pure.

A phrase is taken for a price if it has a currency or a word for price. Without either it is one only at the end of the
text, or before a word that is no unit, and never after the name of a measure or of an age.
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
MAX_PHRASES = 4
"""How many phrases are taken out of a text; each takes going through it anew."""
MAX_PRICE_TEXT = 1_000
"""How much of a text is looked through for prices."""
_MAX_ATTEMPTS = 32
"""How many matches that turn out to be no prices are looked at, for each kind of phrase."""
_LONGEST_NUMBER = 15
"""Characters of a number in Chinese numerals."""
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
"""Words before a number that bound much else too: only with a currency or a word for price are they a price."""


@dataclass(frozen=True, slots=True)
class PricePhrase:
    """The bounds of a price that a text names, and the text without them."""

    remaining_text: str
    phrase: str
    """As it was written; several phrases are joined by a blank."""
    bounds: Mapping[str, float]
    """`gt`, `gte`, `lt`, `lte` of a price filter."""
    currency: str | None
    """ISO 4217 code, if the phrase names a currency. It is reported and filters nothing: prices are not converted."""


def parse_price(text: str) -> PricePhrase | None:
    """The price that a normalised text names; None: it names none.

    Of several phrases that bound the same side, the first counts; the others are taken out of the text as well, up to
    `MAX_PHRASES` of them.
    """
    rest, phrases, bounds, currency = text, list[str](), dict[str, float](), None
    while len(phrases) < MAX_PHRASES and (parsed := _first_phrase(rest)):
        phrases.append(rest[parsed.start : parsed.end].strip().removesuffix("的"))
        bounds = {sign: bound for sign, bound in parsed.bounds.items() if not _has_side(bounds, sign)} | bounds
        currency = currency or parsed.currency
        rest = _join_around(rest[: parsed.start], rest[parsed.end :])
    return PricePhrase(rest, " ".join(phrases), bounds, currency) if phrases else None


@dataclass(frozen=True, slots=True)
class _ParsedPhrase:
    """One phrase, and where it starts and ends in the text."""

    start: int
    end: int
    bounds: Mapping[str, float]
    currency: str | None


def _first_phrase(text: str) -> _ParsedPhrase | None:
    """A range goes before a phrase that begins with its sign, and that before one that ends with it."""
    if not _NUMBER_SOMEWHERE.search(text):
        return None
    return next((phrase for pattern in (_RANGE, _PREFIXED, _SUFFIXED) for phrase in _phrases(pattern, text)), None)


def _phrases(pattern: re.Pattern[str], text: str) -> Iterator[_ParsedPhrase]:
    """The matches of a pattern that are prices, wherever they begin: one that is none may overlap one that is."""
    at = 0
    for _ in range(_MAX_ATTEMPTS):
        match = pattern.search(text, at, MAX_PRICE_TEXT)
        if match is None:
            return
        phrase = _parse_match(match, text)
        if phrase is not None:
            yield phrase
        at = match.start() + 1


def _parse_match(match: re.Match[str], text: str) -> _ParsedPhrase | None:
    """A match as a price; None: it is not surely one."""
    groups = match.groupdict()
    low, high = _number(groups["low"]), _number(groups.get("high"))
    signs = [sign for sign in _SIGNS if groups.get(sign)]
    currency_groups = ("before", "after", "before2", "after2")
    currencies = [word for name in currency_groups if (word := (groups.get(name) or "").strip())]
    is_marked = bool(currencies or groups.get("named"))
    if low is None or not 0 < low <= MAX_PRICE or not (is_marked or _is_clear(match, text, low, groups, signs)):
        return None
    if high is None and groups.get("high") is not None:
        return None
    bounds = {signs[0]: low} if high is None else {"gte": min(low, high), "lte": max(low, high)}
    end = match.end() + (text[match.end() : match.end() + 1] == "的")
    return _ParsedPhrase(match.start(), end, bounds, CURRENCIES[currencies[0].lower()] or None if currencies else None)


def _is_clear(
    match: re.Match[str], text: str, number: float, groups: Mapping[str, str | None], signs: list[str]
) -> bool:
    """Whether a phrase without a currency or a word for price is about a price all the same."""
    word = next((groups[sign] or "" for sign in signs), "").lower()
    is_between = (groups.get("opening") or "").strip().lower() == "between"
    # A bare `20-50`, `20 or more`, `from 20` or `<5` may be anything.
    if word in _NEEDS_CURRENCY or not (word[:1].isalpha() or is_between) or (match.re is _SUFFIXED and word.isascii()):
        return False
    return _fits_before_rest(match, text) and not _is_measured(word_before(text, match.start()), signs, number)


def word_before(text: str, end: int) -> str:
    """The letters before a place in a text, in lower case, with marks and blanks at most between; empty: others are."""
    while end and not (text[end - 1].isalnum() or text[end - 1] == "_"):
        end -= 1
    start = end
    while start and text[start - 1].isalpha():
        start -= 1
    return text[start:end].lower()


def _fits_before_rest(match: re.Match[str], text: str) -> bool:
    """Whether what follows a phrase leaves it a price: nothing, a mark, or a word that is no unit of its number."""
    rest = text[match.end() :]
    next_word = _NEXT_WORD.match(rest)
    if next_word is None:
        return not rest.strip() or rest.lstrip()[0] in ".,;!?)，。；！？、"
    word = next_word[1].lower()
    if not word.isascii():
        return word[0] not in UNIT_CHARACTERS_ZH and (rest[0] == " " or word[0] == "的")
    at_start = not text[: match.start()].strip()
    return word in WORDS_AFTER_PRICE or (
        at_start and bool(match.groupdict().get("lt")) and word not in UNIT_WORDS and word.isalpha()
    )


def _is_measured(before: str, signs: list[str], number: float) -> bool:
    """Whether the word before a phrase, in lower case, makes it a measure or an age."""
    if before in AGE_WORDS:
        return number <= MAX_CHILD_AGE or not any(sign in ("lt", "lte") for sign in signs)
    return before in MEASURE_WORDS or before[-1:] in MEASURE_CHARACTERS_ZH


def _has_side(bounds: Mapping[str, float], sign: str) -> bool:
    """Whether there is a bound on the side of a sign, below or above."""
    return any(bound[0] == sign[0] for bound in bounds)


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    if text[0] in _DIGITS_ZH or text[0] in _TENS_ZH:
        return _chinese_number(text)
    # `49,99` is 49.99, `1,000` is 1000.
    plain = re.sub(r",(\d{1,2})$", r".\1", text).replace(",", "")
    return float(plain)


def _chinese_number(text: str) -> float | None:
    """The value of Chinese numerals: `三百五十` → 350.0. None: they are 0."""
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
    """The text before and after a phrase, with one blank between; empty if no letter or digit is left."""
    before, after = before.rstrip(), after.lstrip()
    joined = f"{before} {after}".strip(" ,;，；、")
    return joined if any(map(str.isalnum, joined)) else ""


_DIGITS_ZH = {"零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS_ZH = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
_HAN_NUMBER = f"[一二两三四五六七八九十百][零一二两三四五六七八九十百千万]{{0,{_LONGEST_NUMBER - 1}}}(?=元|块)"
_NUMBER_SOMEWHERE = re.compile(rf"\d|{_HAN_NUMBER}")
_NEXT_WORD = re.compile(r"\s*([^\W_]+)")


def _alternatives(patterns: Mapping[str, str]) -> str:
    """A pattern with a group for each sign, named by it."""
    return "|".join(f"(?P<{sign}>{pattern})" for sign, pattern in patterns.items())


def _amount(number: str, tag: str = "") -> str:
    """A pattern for a number that may have a currency before or after it; no letter, digit, % or ° follows.

    Args:
        number: the group of the number.
        tag: ends the names of the currencies' groups, `before` and `after`.
    """
    signs = "|".join(sorted(map(re.escape, ("us$", "$", "€", "£", "¥", "￥", "₹", "＄", "eur", "usd", "gbp", "rmb"))))
    words = "|".join(sorted(map(re.escape, CURRENCIES), key=len, reverse=True))
    plain = r"\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,12})?|\d{1,12}(?:[.,]\d{1,2})?"
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
