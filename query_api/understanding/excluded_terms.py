"""A query's text in one writing, and the terms in it that are to be left out. Pure."""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")
_WIDE = {ord(plain) + 0xFEE0: plain for plain in string.ascii_letters + string.digits}
_QUOTES = dict.fromkeys(map(ord, "‘’‚‛＇"), "'") | dict.fromkeys(map(ord, "“”„‟＂"), '"')
_PLAIN = _WIDE | _QUOTES
_DASHES = "-\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"
_BREAKS = ",;，；、"
_EXCLUDED_TERM = re.compile(rf'(?:^|(?<=[\s{_BREAKS}]))[{_DASHES}](?:"([^"]+)"|([^\W\d_][^\s"{_BREAKS}]*))')
_CLOSING = ".!?:)。！？…" + _DASHES


@dataclass(frozen=True, slots=True)
class QueryText:
    """A text without its unwanted terms, and those."""

    text: str
    excluded_terms: tuple[str, ...] = ()


def normalise_text(text: str) -> str:
    """A text as encoders see it and caches key it: composed (NFC), wide letters and digits, curly quotes plain.

    Control and zero-width characters are gone, blanks collapsed. Case, accents and signs stay: they may mean something
    to an encoder; words are matched without them anyway.
    """
    if not text.isascii():
        text = _ZERO_WIDTH.sub("", unicodedata.normalize("NFC", text).translate(_PLAIN))
        # What stood apart for a zero-width character may compose now.
        text = unicodedata.normalize("NFC", text)
    return " ".join(_CONTROL.sub(" ", text).split())


def split_excluded_terms(text: str) -> QueryText:
    """Take the unwanted terms out of a normalised text: `-word` and `-"several words"`, whatever the dash.

    The dash stands before a letter or a quote, and after a blank or nothing: `t-shirt`, `a - b` and `-20` have none.
    """
    if _EXCLUDED_TERM.search(text) is None:
        return QueryText(text)
    unwanted: dict[str, None] = {}

    def take(found: re.Match[str]) -> str:
        term = " ".join((found[1] or found[2].rstrip(_CLOSING)).split())
        if not any(map(str.isalnum, term)):
            return found[0]
        unwanted[term] = None
        return " "

    wanted, before = text, ""
    # What a term leaves behind may be a term itself: `-"a"-b`.
    while wanted != before:
        before, wanted = wanted, " ".join(_EXCLUDED_TERM.sub(take, wanted).split())
    return QueryText(wanted.strip(f" {_BREAKS}") if unwanted else text, tuple(unwanted))
