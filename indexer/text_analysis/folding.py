"""Folds the ways to write one word together: case, width, accents, invisible characters, apostrophes. Pure."""

from __future__ import annotations

import re
import unicodedata

_POSSESSIVES = re.compile(r"['’ʼ](?:s\b)?")
_ACCENTS = re.compile("[\u0300-\u036f]")
_MARK_CODES = [code for code in range(0x300, 0x1_F000) if unicodedata.combining(chr(code))]
_MARKS = "".join(map(chr, _MARK_CODES))
MAX_MARKS = 30
"""Combining marks in a row that are kept (Unicode Standard Annex #15, the Stream-Safe Text Format): no language has
more, and to put n of them into their order takes n² steps."""
_MANY_MARKS = re.compile(f"([{_MARKS}]{{{MAX_MARKS}}})[{_MARKS}]+")
_ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")


def fold(text: str) -> str:
    """A text without case, width, accents and zero-width characters, as words are compared."""
    if text.isascii():
        return text.lower()
    text = bound_marks(_ZERO_WIDTH.sub("", text))
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold()))


def bound_marks(text: str) -> str:
    """A text with at most `MAX_MARKS` combining marks in a row: what is normalised has to go through this first."""
    return _MANY_MARKS.sub(r"\1", text)


def without_possessives(folded: str) -> str:
    """A folded text without apostrophes and the possessive `'s`: `women's` → `women`."""
    return _POSSESSIVES.sub("", folded)
