"""How else a word or a code may be spelt: joined, parted, with other separators. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PIECES = re.compile(r"\d+|[^\W\d_]+")
MAX_PIECES = 4
"""Of a code with more pieces, just these, neighbours two by two, are looked at."""
MAX_CODE = 32
MAX_JOINED = 16
"""How long words may be that are written as one."""
_FUNCTION_WORDS_WORDS = """
a an and as at by for from in of on or the to with und mit fur der die das von aus et de la le les des du pour
avec en y con para el los las del e di il per com van het een voor met och med for til
"""
_FUNCTION_WORDS = frozenset(_FUNCTION_WORDS_WORDS.split())
"""Words that are no part of another."""


def code_spellings(run: str) -> list[str]:
    """The parts of a code that somebody may write apart: `wh-1000xm4` → `wh`, `wh1000`, `1000xm4`, `xm4`, …

    Args:
        run: letters and digits, with hyphens and dots perhaps.

    Returns:
        All that its pieces give side by side, itself included, which is cut where letters meet digits and at
        separators; nothing where it has no digit.
    """
    pieces: list[str] = _PIECES.findall(run[:MAX_CODE])
    if len(pieces) < 2 or not any(map(str.isdigit, pieces)):
        return []
    longest = len(pieces) if len(pieces) <= MAX_PIECES else 2
    return [
        "".join(pieces[start : start + length])
        for length in range(1, longest + 1)
        for start in range(len(pieces) - length + 1)
    ]


def joinable(word: str) -> str:
    """A folded word as a part of a longer one: without hyphens; empty: it is part of none."""
    # What looks like a code unit would be taken for one.
    if word in _FUNCTION_WORDS or word.startswith("0x"):
        return ""
    return word if word.isalpha() else word.replace("-", "").replace(".", "")


def joined_neighbours(parts: Sequence[str]) -> list[tuple[str, int]]:
    """Neighbours in a text that are written as one elsewhere: what comes before the last, and the last's place.

    Of `t`, `shirt` (`t`, 1). Two by two, and three where one has a digit, as in codes (`wh 1000 xm4` → (`wh1000`, 2));
    no numbers alone.

    Args:
        parts: the words in their order, as `joinable` gives them; an empty one parts its neighbours.
    """
    joined: list[tuple[str, int]] = []
    before = last = ""
    for at, part in enumerate(parts):
        if part and last and len(last) + len(part) <= MAX_JOINED:
            is_code = not (last.isalpha() and part.isalpha())
            if not (is_code and last.isdigit() and part.isdigit()):
                joined.append((last, at))
            if before and (is_code or not before.isalpha()) and len(before) + len(last) + len(part) <= MAX_JOINED:
                joined.append((before + last, at))
        before, last = last, part
    return joined
