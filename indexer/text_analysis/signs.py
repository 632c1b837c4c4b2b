"""Signs that mean something in a shop, as words: `C++`, `C#`, `.NET`, `S21+`, hearts and emoji. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SIGNS = re.compile(r"(?<![^\W_])(?:([a-z])(\+\+|#)(?![^\W_])|\.net(?![^\W_]))|([^\W_])(\+{1,2})(?![^\W_+])")
_PICTOGRAMS = "\u2600-\u2604\u2607-\u2712\u2715-\u2717\u2719-\u2727\u2728\u274c\u2763-\u2767\u2b50\U0001f300-\U0001faff"
_PICTOGRAM = re.compile(f"[{_PICTOGRAMS}]")
_MODIFIERS = range(0x1F3FB, 0x1F400)
"""Colours of skin."""
_NO_MEANING_WORDS = """
black white heavy suit face sign symbol with emoji ornament floral bullet rotated
"""
_NO_MEANING = frozenset(_NO_MEANING_WORDS.split())
"""Words of signs' names that say how they are drawn."""


def spell_out_signs(folded: str) -> str:
    """A folded text with its signs as words: `c++` → `cplusplus`, `s21+` → `s21 plus`."""
    if "+" in folded or "#" in folded or ".net" in folded:
        return _SIGNS.sub(_spelt_out, folded)
    return folded


def spell_out_pictograms(text: str) -> str:
    """A text with hearts and emoji by their names: `♥` → `heart`, `🦄` → `unicorn`.

    What mostly decorates, such as ticks, bullets and stars in lists, stays.

    Source: the names of the Unicode Character Database, without what they say of the drawing.
    """
    return _PICTOGRAM.sub(lambda match: _name(match[0]), text)


def _spelt_out(match: re.Match[str]) -> str:
    letter, sign, before, pluses = match.groups()
    if letter:
        return letter + ("sharp" if sign == "#" else "plusplus")
    if before:
        return before + (" plus" if len(pluses) == 1 else "-plusplus")
    return " dotnet"


@lru_cache(4_096)
def _name(pictogram: str) -> str:
    if ord(pictogram) in _MODIFIERS:
        return ""
    words = unicodedata.name(pictogram, "").lower().replace("-", " ").split()
    return f" {' '.join(word for word in words if word not in _NO_MEANING)} "
