"""Dates and times as people write them: ISO 8601, seconds or milliseconds since 1970, `18.03.2026`, `Mar 18, 2026`.

Whether `3/4/2026` is in March or in April is decided by the column as a whole: the one order of day, month and year in
which all its cells are dates. Where two orders are left, a cell that they read differently is refused.
"""

from __future__ import annotations

import contextlib
import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, cast

from babel import Locale

MAX_TIME_CHARS: Final = 100
"""A longer cell is no time."""
ORDERS: Final = ("dmy", "mdy", "ymd")
"""Of day, month and year."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM: Final = 1e11
"""A larger number is a time in ms, a smaller one in s: the year 1973 in the one, 5138 in the other."""
_UNIX: Final = re.compile(r"\d{9,}(\.\d+)?")
_NUMBERS: Final = re.compile(r"(\d{1,4})\s?([./\-])\s?(\d{1,2})\s?\2\s?(\d{1,4})\.?")
_EAST_ASIAN: Final = re.compile(r"(\d{4})[年년]\s?(\d{1,2})[月월]\s?(\d{1,2})[日일]?")
_NAMED: Final = re.compile(
    r"(?:[^\W\d]+\.?,?\s+)?(?:(?P<d1>\d{1,2})(?:\.|st|nd|rd|th|er|º)?(?:\s+de|-)?\s*(?P<m1>[^\W\d]{3,})\.?,?(?:\s+de|-)?\s*(?P<y1>\d{4})"
    r"|(?P<m2>[^\W\d]+)\.?\s+(?P<d2>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y2>\d{4}))(?:\s?г\.?)?"
)
_CLOCK: Final = re.compile(
    r"[,T\s]*(?:at|um|à)?\s*(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s?(am|pm|a\.m\.|p\.m\.)?\s?"
    r"(z|utc|gmt|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_LANGUAGES: Final = (
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "nb",
    "fi",
    "pl",
    "cs",
    "hu",
    "ro",
    "ru",
    "uk",
    "tr",
    "el",
)
"""Languages whose names of months are understood."""


@dataclass(slots=True)
class DateConvention:
    """The orders of day, month and year that a column's cells leave open.

    Attributes:
        order: one of `ORDERS`, where somebody said so; None: the cells decide.
        left: the orders in which every cell so far is a date, by the sign between the numbers.
    """

    order: str | None = None
    left: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def see(self, cell: Any) -> None:
        """Take a cell's evidence; one that is no date of three numbers has none."""
        if isinstance(cell, str) and len(cell) <= MAX_TIME_CHARS and (parts := _three_numbers(cell.strip())):
            sign, numbers, _ = parts
            fits = frozenset(order for order, _ in _readings(sign, numbers))
            self.left[sign] = (self.left.get(sign, frozenset(ORDERS)) & fits) if fits else self.left.get(sign, fits)

    def orders(self, sign: str) -> frozenset[str]:
        """The orders that are left for numbers with a sign between them."""
        return frozenset({self.order}) if self.order else self.left.get(sign) or frozenset(ORDERS)


NO_CONVENTION: Final = DateConvention()


def read_time(cell: Any, convention: DateConvention = NO_CONVENTION) -> datetime:
    """A time. UTC unless it says otherwise; a date is its first moment.

    Raises:
        ValueError: naming the cell: it is no time, or can be read two ways.
    """
    if isinstance(cell, str):
        return _read_text(cell.strip(), convention)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _since_1970(float(cell))
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime(cell.year, cell.month, cell.day)
    if not isinstance(cell, datetime):
        raise ValueError(f"{cell!r:.60} is no time")
    return _with_zone(cell)


def _read_text(text: str, convention: DateConvention) -> datetime:
    if len(text) > MAX_TIME_CHARS:
        raise ValueError(f"{text[:60]!r} is no time")
    text = unicodedata.normalize("NFKC", text)
    if _UNIX.fullmatch(text):
        return _since_1970(float(text))
    with contextlib.suppress(ValueError):
        return _with_zone(datetime.fromisoformat(text))
    if parts := _three_numbers(text):
        sign, numbers, rest = parts
        days = {day for order, day in _readings(sign, numbers) if order in convention.orders(sign)}
        if len(days) > 1:
            ways = " or ".join(sorted(day.isoformat() for day in days))
            raise ValueError(f"{text[:60]!r} can be read as {ways}; say with --dates whether day or month comes first")
        if days:
            return _at(days.pop(), rest, text)
    elif parts := _named_day(text):
        return _at(*parts, text)
    raise ValueError(f"{text[:60]!r} is no time")


def _since_1970(number: float) -> datetime:
    # Not fromtimestamp: the C library raises errors of its own far from 1970.
    return _EPOCH + timedelta(seconds=number / 1000 if number >= _MILLISECONDS_FROM else number)


def _with_zone(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _three_numbers(text: str) -> tuple[str, tuple[str, str, str], str] | None:
    """The sign between a date's numbers, the numbers, and what follows them."""
    if found := _EAST_ASIAN.match(text):
        return "年", (found[1], found[2], found[3]), text[found.end() :]
    if not (found := _NUMBERS.match(text)):
        return None
    return found[2], (found[1], found[3], found[4]), text[found.end() :]


def _readings(sign: str, numbers: tuple[str, str, str]) -> Iterator[tuple[str, date]]:
    """The dates that three numbers may be, by their order. A year has four digits, or two where it comes last."""
    for order in ORDERS:
        at = {part: numbers[place] for place, part in enumerate(order)}
        if (sign == "." and order == "mdy") or len(at["y"]) not in ((4,) if order == "ymd" else (2, 4)):
            continue
        if len(at["d"]) > 2 or len(at["m"]) > 2:
            continue
        year = int(at["y"])
        if len(at["y"]) < 4:  # as POSIX's strptime reads %y
            year += 1900 if year >= 69 else 2000
        with contextlib.suppress(ValueError):
            yield order, date(year, int(at["m"]), int(at["d"]))


def _named_day(text: str) -> tuple[date, str] | None:
    """A date whose month has a name, and what follows it."""
    if not (found := _NAMED.match(text)):
        return None
    day, name, year = (found[f"{part}1"] or found[f"{part}2"] for part in "dmy")
    month = _months().get(name.casefold())
    if month is None:
        return None
    with contextlib.suppress(ValueError):
        return date(int(year), month, int(day)), text[found.end() :]
    return None


def _at(day: date, rest: str, text: str) -> datetime:
    """A day at the time of day that follows it."""
    if not rest.strip(" .,"):
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    clock = _CLOCK.fullmatch(rest.rstrip())
    if clock is None:
        raise ValueError(f"{text[:60]!r} is no time")
    hour, half = int(clock[1]), (clock[4] or "").lower()[:1]
    hour = hour % 12 + (12 if half == "p" else 0) if half else hour
    zone = (clock[5] or "+00:00").lower().replace("utc", "+00:00").replace("gmt", "+00:00").replace("z", "+00:00")
    return datetime.fromisoformat(f"{day.isoformat()}T{hour:02d}:{clock[2]}:{clock[3] or '00'}{zone}")


@functools.cache
def _months() -> dict[str, int]:
    """The names of months, whole and abbreviated, in the languages of shops; those of two months are left out."""
    numbers: dict[str, set[int]] = {}
    for language in _LANGUAGES:
        for names in cast("Any", Locale.parse(language)).months.values():
            for width in ("wide", "abbreviated"):
                for number, name in names[width].items():
                    numbers.setdefault(name.casefold().strip("."), set()).add(number)
    return {name: months.pop() for name, months in numbers.items() if len(months) == 1}
