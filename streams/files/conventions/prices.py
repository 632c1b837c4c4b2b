"""Prices as shops write them: `$49.00`, `1.299,00 €`, `ab 1 298 kr inkl. MwSt.`, `18 – 45 €`.

Which mark parts the decimals is decided by the column as a whole. `1.299` is 1299 where other cells have `49,90`; it is
1.299 where they have `12.5`; it is refused where nothing tells. Cells of one currency tell of each other first.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from streams.files.conventions.currencies import currencies_of, decimals, home_decimal_mark
from streams.files.conventions.price_words import (
    IGNORED_WORDS,
    RANGE_STARTS,
    RANGE_WORDS,
    TAX_WORDS,
    UNIT_WORDS,
    UNSPACED_WORDS,
)

MAX_PRICE_CHARS: Final = 200
"""A longer cell is no price."""
MAX_SIGNS: Final = 100
"""Of how many currencies' cells a column keeps count apart."""
_NUMBER: Final = re.compile(r"\d{1,3}(?:[\s'’´`]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)*")
_CENTS_AFTER_SIGN: Final = re.compile(r"(?<=\d)([€$£])(\d\d)(?!\d)")
_CENTS_ALONE: Final = re.compile(r"(?<![\w.,/])[.,](?=\d{1,2}(?!\d))")
_NEGATIVE: Final = re.compile(r"\([^()]*\d[^()]*\)")
_COUNTRY_AFTER_DOLLAR: Final = re.compile(r"\$\s?(CA|US|AU|NZ|HK|SG)\b")
_NO_CENTS: Final = re.compile(r"(?<=\d)\s?(?:(?P<mark>[.,])|:)?(?:/-|[-–—]{1,2})(?=\D*$)")
_PLAIN_NUMBER: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_EXPONENT: Final = re.compile(r"\d[eE][-+]?\d")
_TAX_RATE: Final = re.compile(r"\d{1,2}(?:[.,]\d)?\s?%")
_TOKEN: Final = re.compile(r"[sS]/\.?|[^\W\d_]+(?:[$£€]|\.(?:[^\W\d_]\b\.?)*)?|\S")
_ARABIC: Final = str.maketrans({"٫": ".", "٬": ",", "،": ",", "\u200f": "", "\u200e": "", "\u061c": ""})


@dataclass(frozen=True, slots=True)
class WrittenPrice:
    """A price as it is written.

    Attributes:
        numbers: with their marks: one, or the ends of a range.
        sign: what stands beside it, which cells of one currency share.
        currencies: the codes that the sign may stand for.
    """

    numbers: tuple[str, ...]
    sign: str
    currencies: tuple[str, ...]

    @property
    def currency(self) -> str | None:
        """The currency's code, where the sign means just one."""
        return self.currencies[0] if len(self.currencies) == 1 else None


@dataclass(slots=True)
class PriceConvention:
    """What the cells of a column tell of their decimal mark.

    Attributes:
        decimal_mark: `.` or `,`, where somebody said so; None: the cells decide.
        seen: how many cells have a mark that can be nothing else, by sign, mark and digits after it.
    """

    decimal_mark: str | None = None
    seen: Counter[tuple[str, str, int]] = field(default_factory=Counter[tuple[str, str, int]])

    def see(self, cell: Any) -> None:
        """Take a cell's evidence; one that is no price has none."""
        if not isinstance(cell, str) or not any(mark in cell for mark in ".,٫٬"):
            return
        try:
            written = parse_written(cell)
        except ValueError:
            return
        signs = {sign for sign, _, _ in self.seen}
        sign = written.sign if written.sign in signs or len(signs) < MAX_SIGNS else "?"
        for number in written.numbers:
            if told := _certain_mark(number):
                self.seen[sign, *told] += 1

    def marks(self, sign: str | None) -> dict[str, set[int]]:
        """The decimal marks that cells of a sign have (None: all cells), with how many digits follow them."""
        marks: dict[str, set[int]] = {}
        for seen_sign, mark, digits in self.seen:
            if sign is None or seen_sign == sign:
                marks.setdefault(mark, set()).add(digits)
        return marks


NO_CONVENTION: Final = PriceConvention()


def read_price(
    cell: Any, convention: PriceConvention = NO_CONVENTION, stated: str | None = None
) -> tuple[float, str | None]:
    """A price, of a range the lowest, and the currency that it names.

    Args:
        cell: a number or a text.
        convention: what its column tells.
        stated: the currency's code, where another column has it.

    Raises:
        ValueError: naming the cell: it is no price, is one of a unit of measure, or can be read two ways.
    """
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal):
        raise ValueError(f"{cell!r:.60} is no price")
    if not isinstance(cell, str):
        return float(cell), None
    written = parse_written(cell)
    currencies = (stated,) if stated else written.currencies
    values = [_value(number, written.sign, convention, currencies) for number in written.numbers]
    if None in values:
        ways = sorted(float(_plain(written.numbers[values.index(None)], mark)) for mark in ".,")
        raise ValueError(
            f"{cell.strip()[:60]!r} can be read as {ways[0]:g} or {ways[1]:g}; say which mark parts the decimals with"
            " --decimal"
        )
    return min(value for value in values if value is not None), written.currency


def parse_written(cell: str) -> WrittenPrice:
    """A cell's numbers and its currency. Raises `ValueError` for what is no price."""
    if len(cell) > MAX_PRICE_CHARS:
        raise ValueError(f"{cell[:60]!r} is no price")
    if _PLAIN_NUMBER.fullmatch(cell):
        return WrittenPrice((cell,), "", ())
    shown = repr(cell.strip()[:60])
    text = UNSPACED_WORDS.sub(" ", unicodedata.normalize("NFKC", cell).translate(_ARABIC).strip())
    if _NEGATIVE.fullmatch(text):
        raise ValueError(f"{shown} is no price")
    text = _without_ornament(text)
    found = [] if _EXPONENT.search(text) else list(_NUMBER.finditer(text))
    if not 1 <= len(found) <= 2:
        raise ValueError(f"{shown} is no price" if not found else f"{shown} has several numbers")
    before, between, after = text[: found[0].start()], text[found[0].end() : found[-1].start()], text[found[-1].end() :]
    if _is_of_a_unit(before + " " + after):
        raise ValueError(f"{shown} is the price of a unit of measure, not of the product")
    unexplained = [_unexplained(part) for part in (before, between, after)]
    left = _without_range_words(unexplained) if len(found) == 2 else unexplained
    if left is None:
        raise ValueError(f"{shown} has two numbers and is no range")
    currencies = _currencies([" ".join(part) for part in left if part])
    if currencies is None:
        raise ValueError(f"{shown} is no price")
    numbers = tuple(re.sub(r"[\s'’´`]", "", match.group()) for match in found)
    return WrittenPrice(numbers, " ".join(currencies), currencies)


def _without_ornament(text: str) -> str:
    """Cents as decimals, dollars with their country as one sign, and no rate of the tax."""
    text = _CENTS_ALONE.sub("0.", _COUNTRY_AFTER_DOLLAR.sub(r"\1D", text))
    text = _NO_CENTS.sub(
        lambda dash: f"{dash['mark']}00 " if dash["mark"] else " ",
        _CENTS_AFTER_SIGN.sub(r".\2\1", text) if "." not in text else text,
    )
    return _TAX_RATE.sub(" ", text) if _tokens(text) & TAX_WORDS else text


def _without_range_words(left: Sequence[list[str]]) -> list[list[str]] | None:
    """What is unexplained before, between and after two numbers, without the words of a range; None: it is none."""
    before, between, after = left
    if sum(token in RANGE_WORDS for token in between) != 1:
        return None
    return [
        [token for token in before if token not in RANGE_STARTS],
        [token for token in between if token not in RANGE_WORDS],
        after,
    ]


def _currencies(signs: Sequence[str]) -> tuple[str, ...] | None:
    """The currencies that signs may mean; None: one of them is no currency's."""
    meant = [currencies_of(sign) for sign in signs]
    if any(codes is None for codes in meant):
        return None
    # A code after a sign says which dollar it is: `$49.00 CAD`.
    return next((codes for codes in reversed(meant) if codes), ())


def _tokens(text: str) -> set[str]:
    return {token.casefold().strip(".") for token in _TOKEN.findall(text)}


def _is_of_a_unit(text: str) -> bool:
    """`/kg`, `je 100 g`, `per piece`; not Peru's `S/`."""
    return bool(re.search(r"(?<![sS])/\s*\w|(?<!\w)/", text)) or bool(_tokens(text) & UNIT_WORDS)


def _unexplained(text: str) -> list[str]:
    """The words and signs of a text that are neither of taxes nor of bounds nor brackets: those of a currency."""
    tokens = [token for token in _TOKEN.findall(text) if token not in "()[],;:*+|"]
    kept = [token for token in tokens if token.casefold().strip(".") not in IGNORED_WORDS]
    return [token.casefold() for token in kept if token != "."]


def _certain_mark(number: str) -> tuple[str, int] | None:
    """The decimal mark of a number that can be read one way only, and the digits after it; None: it tells nothing."""
    marks = [mark for mark in number if mark in ".,"]
    if not marks:
        return None
    last, digits = marks[-1], len(number) - 1 - number.rfind(marks[-1])
    if len(set(marks)) == 2:
        return last, digits
    other = "," if last == "." else "."
    if len(marks) > 1:  # 1.234.567: these part thousands
        return other, 0
    whole = number[: number.index(last)]
    return None if digits == 3 and len(whole) <= 3 and not whole.startswith("0") else (last, digits)


def _value(number: str, sign: str, convention: PriceConvention, currencies: tuple[str, ...]) -> float | None:
    """A number's value; None where it can be read two ways."""
    certain = _certain_mark(number)
    if certain or not any(mark in number for mark in ".,"):
        return float(_plain(number, certain[0] if certain else "."))
    mark, other = (".", ",") if "." in number else (",", ".")
    if convention.decimal_mark:
        return float(_plain(number, convention.decimal_mark))
    own = convention.marks(sign)
    for marks in (own, convention.marks(None)):
        if set(marks) == {other}:
            return float(_plain(number, other))
        if set(marks) == {mark} and marks[mark] - {2, 0}:
            return float(_plain(number, mark))  # other cells have 1, 3 or more decimals, too
    if currencies and not own and (home := _home_mark(mark, other, currencies)):
        return float(_plain(number, home))
    return None


def _home_mark(mark: str, other: str, currencies: tuple[str, ...]) -> str | None:
    """The decimal mark by what is usual of a currency, for a number with three digits after its only mark."""
    if all(decimals(code) == 0 or home_decimal_mark(code) == other for code in currencies):
        return other
    if all(decimals(code) == 3 and home_decimal_mark(code) == mark for code in currencies):
        return mark
    return None


def _plain(number: str, decimal_mark: str) -> str:
    """A number with a point for its decimal mark, and no other marks."""
    return number.replace("," if decimal_mark == "." else ".", "").replace(decimal_mark, ".")
