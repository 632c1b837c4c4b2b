"""Folds the ways to write one word together: case, width, accents, invisible characters, apostrophes. Pure."""

from __future__ import annotations

import re
import unicodedata

_POSSESSIVES = re.compile(r"['’ʼ`](?:s\b)?")
# What follows is looked for before what goes before: a pattern that begins with a character is much faster.
_PARTING_APOSTROPHES = re.compile(r"['’ʼ`](?=[^\W\d_])(?!s\b)(?<=[^\W\d_].)")
_ACCENTS = re.compile("[\u0300-\u036f]")
_MARK_CODES = [code for code in range(0x300, 0x1_F000) if unicodedata.combining(chr(code))]
_MARKS = "".join(map(chr, _MARK_CODES))
MAX_MARKS = 30
"""Combining marks in a row that are kept (Unicode Standard Annex #15, the Stream-Safe Text Format): no language has
more, and to put n of them into their order takes n² steps."""
_MANY_MARKS = re.compile(f"([{_MARKS}]{{{MAX_MARKS}}})[{_MARKS}]+")
_MAYBE_MANY_MARKS = re.compile(
    f"[\u0300-\u1fff\u20d0-\u20ff\u2ce0-\u2dff\u3029-\u309a\ua600-\uabff\ud800-\uffff\U00010000-\U0001efff]{{{MAX_MARKS}}}"
)
"""Finds all that `_MANY_MARKS` does, and other text beside, in a tenth of the time."""
_ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")
_WHOLE_LETTERS = {
    "ø": "o",
    "Ø": "o",
    "æ": "ae",
    "Æ": "ae",
    "œ": "oe",
    "Œ": "oe",
    "ł": "l",
    "Ł": "l",
    "đ": "d",
    "Đ": "d",
    "ð": "d",
    "Ð": "d",
} | {"þ": "th", "Þ": "th", "ı": "i", "´": "'", "™": " ", "®": " ", "©": " ", "℠": " ", "\u00a0": " "}
_WHOLE_LETTER = re.compile(f"[{''.join(_WHOLE_LETTERS)}]")
"""Letters with a stroke, which are no letters with an accent to Unicode; and signs that would become letters."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_UMLAUT = re.compile("[äöüÄÖÜ]")
_MAYBE_UMLAUT = re.compile("[äöüÄÖÜ\u0308]")
_WORD = re.compile(r"[^\W\d_]+")


def fold(text: str) -> str:
    """A text without case, width, accents and zero-width characters, as words are compared."""
    if text.isascii():
        return text.lower()
    text = bound_marks(_ZERO_WIDTH.sub("", text))
    text = _WHOLE_LETTER.sub(lambda match: _WHOLE_LETTERS[match[0]], text)
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold()))


def bound_marks(text: str) -> str:
    """A text with at most `MAX_MARKS` combining marks in a row: what is normalised has to go through this first."""
    return _MANY_MARKS.sub(r"\1", text) if _MAYBE_MANY_MARKS.search(text) else text


def without_possessives(folded: str) -> str:
    """A folded text without apostrophes and the possessive `'s`: `women's` → `women`."""
    return _POSSESSIVES.sub("", folded)


def part_apostrophes(folded: str) -> str:
    """A folded text without possessives, and with hyphens for the apostrophes within words: `l'oreal` → `l-oreal`."""
    if "'" in folded or "’" in folded or "ʼ" in folded or "`" in folded:
        return without_possessives(_PARTING_APOSTROPHES.sub("-", folded))
    return folded


def spelt_with_e(text: str) -> list[str]:
    """The words of a text that have an umlaut, as they are written without: `Küche` → `kueche`; folded."""
    if text.isascii() or not _MAYBE_UMLAUT.search(text):
        return []
    composed = unicodedata.normalize("NFC", bound_marks(text))
    return [fold(word.translate(_UMLAUTS)) for word in _WORD.findall(composed) if _UMLAUT.search(word)]
