"""Currencies as shops write them: signs, abbreviations, names and ISO 4217 codes."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from typing import Any, Final, cast

from babel import Locale
from babel.core import UnknownLocaleError
from babel.languages import get_official_languages
from babel.numbers import get_currency_precision, list_currencies

_BY_CODE: Final[Mapping[str, str]] = {
    "USD": "$ us$ usd$ dollar dollars",
    "EUR": "€ euro euros eur. евро",
    "GBP": "£ gb£ uk£ pound pounds",
    "INR": "₹ rs/- inr. rupees",
    "KRW": "₩ ￦ 원",
    "JPY": "円 jp¥ yen",
    "CNY": "cn¥ rmb 人民币 人民幣",
    "RUB": "₽",
    "TRY": "₺ tl",
    "PLN": "zł zl zł. złotych",
    "CZK": "kč kc",
    "HUF": "ft ft.",
    "BGN": "лв лв. лева",
    "RON": "lei ron.",
    "UAH": "₴ грн грн. гривень",
    "KZT": "₸ тг тг. тенге",
    "GEL": "₾",
    "AMD": "֏",
    "AZN": "₼",
    "ILS": '₪ nis ש״ח ש"ח',
    "VND": "₫ đ vnđ",
    "THB": "฿ บาท",
    "PHP": "₱",
    "IDR": "rp rp.",
    "MYR": "rm",
    "NGN": "₦",
    "GHS": "₵ gh₵",
    "KES": "ksh ksh. kshs",
    "PEN": "s/ s/.",
    "BRL": "r$",
    "AUD": "a$ au$ aud$ aus$",
    "CAD": "c$ ca$ cad$ cdn$",
    "NZD": "nz$ nzd$",
    "HKD": "hk$",
    "SGD": "s$ sg$ sgd$",
    "TWD": "nt$ ntd 新台幣",
    "MXN": "mx$ mex$",
    "AED": "dh dhs د.إ د.إ.‏ درهم",
    "SAR": "sr ر.س ر.س.‏ ريال",
    "EGP": "e£ ج.م ج.م.‏",
    "CHF": "fr. sfr sfr.",
    "ISK": "ikr",
    "ZAR": "r",
}
_SHARED: Final[Mapping[str, str]] = {
    "JPY CNY": "¥ ￥",
    "CNY TWD": "元 圓 圆 块 塊",
    "SEK NOK DKK ISK": "kr kr. kr: krona kronor kroner",
    "INR PKR LKR NPR": "rs rs. ₨",
    "RUB BYN": "руб руб. р. р рублей",
    "RSD MKD": "din din.",
    "EGP": "l.e. le",
}
SHARED_SIGNS: Final = {sign: tuple(codes.split()) for codes, signs in _SHARED.items() for sign in signs.split()}
"""Signs of several currencies, of which they name none, with the currencies' codes."""
_SIGNS: Final = {sign: code for code, signs in _BY_CODE.items() for sign in signs.split()}
_LANGUAGES: Final = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "cs", "ru", "tr", "zh", "ja", "ko")
"""Languages whose names of currencies are understood."""


def currencies_of(text: str) -> tuple[str, ...] | None:
    """The codes of the currencies that a text may mean; none for no text; None for what is no currency.

    Args:
        text: what is left of a price without its number: `€`, `R$`, `kr`, `EUR`, `Euro`.
    """
    sign = " ".join(text.split()).casefold()
    if not sign:
        return ()
    if codes := SHARED_SIGNS.get(sign):
        return codes
    if code := _SIGNS.get(sign) or _SIGNS.get(sign.replace(" ", "")) or _SIGNS.get(sign.strip(".")):
        return (code,)
    if len(sign) == 3 and sign.upper() in _codes():
        return (sign.upper(),)
    words = sign.split()
    if len(words) > 1:  # `$ CAD`: the code says more than the sign
        meant = [currencies_of(word) for word in words]
        return None if None in meant else meant[-1]
    code = _names().get(sign) if sign.isalpha() else None
    return (code,) if code else None


@functools.cache
def home_decimal_mark(code: str) -> str | None:
    """The decimal mark of a currency's own country, where all its languages have the same; else None."""
    marks: set[str] = set()
    for language in get_official_languages(code[:2], de_facto=True):
        with contextlib.suppress(UnknownLocaleError, ValueError):
            symbols = cast("Any", Locale.parse(f"{language}_{code[:2]}")).number_symbols
            marks.add((symbols.get("latn") or symbols)["decimal"])
    return marks.pop() if len(marks) == 1 else None


def decimals(code: str) -> int:
    """How many digits a currency's prices have after the mark."""
    return get_currency_precision(code)


@functools.cache
def _codes() -> frozenset[str]:
    return frozenset(list_currencies())


@functools.cache
def _names() -> dict[str, str]:
    """Names of currencies in the languages of shops, of one word; those of several currencies are left out."""
    names: dict[str, set[str]] = {}
    for language in _LANGUAGES:
        for code, name in cast("Any", Locale.parse(language)).currencies.items():
            names.setdefault(name.casefold(), set()).add(code)
    return {name: codes.pop() for name, codes in names.items() if len(codes) == 1}
