"""The normal form of texts, which requests, cache keys and encoders share. Pure."""

from __future__ import annotations

import re
import string
import unicodedata

from indexer.text_analysis.folding import bound_marks

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")
_WIDE = {ord(plain) + 0xFEE0: plain for plain in string.ascii_letters + string.digits}
_QUOTES = dict.fromkeys(map(ord, "‘’‚‛＇"), "'") | dict.fromkeys(map(ord, "“”„‟＂"), '"')
_PLAIN = _WIDE | _QUOTES


def normalise_text(text: str) -> str:
    """A text as encoders see it and caches key it: composed (NFC), wide letters and digits, curly quotes plain.

    Control and zero-width characters are gone, blanks collapsed. Case, accents and signs stay: they may mean something
    to an encoder; words are matched without them anyway.
    """
    if not text.isascii():
        text = bound_marks(_ZERO_WIDTH.sub("", text))
        text = _ZERO_WIDTH.sub("", unicodedata.normalize("NFC", text).translate(_PLAIN))
        # What stood apart for a zero-width character may compose now.
        text = unicodedata.normalize("NFC", text)
    return " ".join(_CONTROL.sub(" ", text).split())
