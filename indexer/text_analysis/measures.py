"""Numbers with their units, in one writing: `3 meters`, `3-m` and `3m` are `3m`. Pure."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {
    "mm": "millimeter millimeters millimetre millimetres 毫米",
    "cm": "centimeter centimeters centimetre centimetres centimetro centimetros 厘米",
    "m": "meter meters metre metres metro metros metri 米",
    "km": "kilometer kilometers kilometre kilometres 公里",
    "in": "inch inches zoll pouce pouces pulgada pulgadas pollici 英寸 寸",
    "ft": "foot feet 英尺",
    "yd": "yard yards yds",
    "mg": "milligram milligrams 毫克",
    "g": "gram grams gramme grammes gramm gramos grammi gr 克",
    "kg": "kilogram kilograms kilogramm kilo kilos kgs 公斤 千克",
    "lb": "lbs pound pounds 磅",
    "oz": "ounce ounces ozs 盎司",
    "ml": "milliliter milliliters millilitre millilitres mililitros 毫升",
    "cl": "centiliter centiliters centilitre centilitres",
    "l": "liter liters litre litres litro litros litri ltr 升",
    "gal": "gallon gallons",
    "qt": "quart quarts",
    "w": "watt watts 瓦",
    "kw": "kilowatt kilowatts",
    "v": "volt volts 伏",
    "amp": "amps ampere amperes",
    "mah": "",
    "wh": "",
    "kb": "kilobyte kilobytes",
    "mb": "megabyte megabytes",
    "gb": "gigabyte gigabytes gigs",
    "tb": "terabyte terabytes",
    "hz": "hertz",
    "khz": "",
    "mhz": "",
    "ghz": "",
    "mp": "megapixel megapixels",
    "pack": "packs pk pks pkg",
    "ct": "count",
    "pc": "pcs piece pieces pzs stk stuck 件",
    "year": "years yr yrs jahre ans anos anni",
    "month": "months mos monate mois meses mesi",
}
_BY_WORD: Final = {word: unit for unit, words in _UNITS.items() for word in (unit, *words.split())}
_BY_FIRST: Final = {
    first: "|".join(sorted((word[1:] for word in _BY_WORD if word[0] == first), key=len, reverse=True))
    for first in sorted({word[0] for word in _BY_WORD if word.isascii()})
}
_WORDS: Final = "|".join(f"{first}(?:{others})" for first, others in _BY_FIRST.items())
"""By their first letter: as one list of all, matching takes a third longer."""
_HAN_WORDS: Final = "|".join(sorted((word for word in _BY_WORD if not word.isascii()), key=len, reverse=True))
_MARKS: Final = {'"': "in", "″": "in", "”": "in", "''": "in", "'": "ft", "′": "ft", "’": "ft"}
# `5 in 1` is no measure: `in` is a unit without a blank only.
_MEASURE = re.compile(
    r"(\d(?<![^\W_]\d)(?<!\d[.,]\d)(?:[.,]?\d)*)"
    rf"(?:[ \u00a0-]?(?!in\b)({_WORDS})(?![^\W_])|(in)(?![^\W_])|[ ]?({_HAN_WORDS})|({'|'.join(_MARKS)})(?![^\W_]))"
)
_SYMBOL = 3
"""The longest unit that is a symbol; others are words."""
_CODE_BEFORE, _CODE_AFTER = re.compile(r"[^\W_][-.]"), re.compile(r"[-.][^\W_]")
_IN_ONE = re.compile(rf"(\d+)(?:p(\d+))?({'|'.join(_UNITS)})")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")


def join_measures(folded: str) -> str:
    """A folded text with each number and its unit as one word: `3 meters` → `3m`, `1.5 l` → `1p5l`."""
    return _MEASURE.sub(_joined, folded)


def measure_parts(word: str) -> list[str]:
    """What a measure in one word is found by, too: its numbers, and a unit that has a meaning alone (`12pack`).

    Nothing where it is no measure.
    """
    match = _IN_ONE.fullmatch(word)
    if match is None:
        return []
    whole, decimals, unit = match.groups()
    return [whole, *([decimals] if decimals else []), *([unit] if len(unit) > _SYMBOL else [])]


def _joined(match: re.Match[str]) -> str:
    number, word, inch, chinese, mark = match.groups()
    if number.isdigit() and match[0][len(number) :] in (word, f"-{word}") and word in _UNITS and _is_in_code(match):
        return match[0]
    unit = _MARKS[mark] if mark else _BY_WORD[word or inch or chinese]
    if _THOUSANDS.fullmatch(number):
        number = number.replace(",", "")
    return f" {number.replace('.', 'p').replace(',', 'p')}{unit} "


def _is_in_code(match: re.Match[str]) -> bool:
    """Whether more of a word follows a separator, or comes before one: `b-1g-1` is a code, cut into its parts later."""
    text, start, end = match.string, match.start(), match.end()
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return bool(_CODE_BEFORE.fullmatch(before) or _CODE_AFTER.fullmatch(after))
