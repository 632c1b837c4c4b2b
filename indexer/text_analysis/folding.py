"""Folds the ways to write one word together: case, width, accents, invisible characters, apostrophes. Pure."""

from __future__ import annotations

import re
import unicodedata

_POSSESSIVES = re.compile(r"['’ʼ](?:s\b)?")
_ACCENTS = re.compile("[\u0300-\u036f]")
_ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")


def fold(text: str) -> str:
    """A text without case, width, accents and zero-width characters, as words are compared."""
    if text.isascii():
        return text.lower()
    text = _ZERO_WIDTH.sub("", text)
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold()))


def without_possessives(folded: str) -> str:
    """A folded text without apostrophes and the possessive `'s`: `women's` → `women`."""
    return _POSSESSIVES.sub("", folded)
