"""Cells that hold several attributes: `color=Black,material=Wool|Silk,note="a=1, b"`. Pure, in linear time."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any, Final

from streams.files.platforms.profile import TextMap

_QUOTED: Final = re.compile(r'"(?:[^"]|"")*+"')


def read_text_map(text: str, shape: TextMap) -> dict[str, Any]:
    """A cell's attributes: `a=1,b=x, y|z` is a: 1, b: [`x, y`, `z`].

    In quotes, in which a quote is doubled, all signs are letters. A quote elsewhere than at a value's beginning is an
    inch mark.
    """
    found: dict[str, Any] = {}
    pairs, values = _separators(shape)
    for part in _split(text, pairs):
        name, _, value = _unquoted(part).partition(shape.sign)
        value = value.partition(shape.sign)[0] if shape.sign == ":" else value
        items = [item for piece in _split(value, values) if (item := _unquoted(piece))]
        if (name := _unquoted(name)) and items:
            found[name] = items if len(items) > 1 else items[0]
    return found


@functools.cache
def _separators(shape: TextMap) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What parts pairs, before a name and its sign alone, and what parts values; as groups, beside quoted texts."""
    between, sign, several = map(re.escape, (shape.between, shape.sign, shape.several))
    quoted = rf'(?:^|(?<=[{between}{sign}{several}])) *+"(?:[^"]|"")*+"?'
    return re.compile(rf"{quoted}|({between})(?=[^{between}{sign}]+{sign})"), re.compile(rf"{quoted}|({several})")


def _split(text: str, separators: re.Pattern[str]) -> Iterator[str]:
    start = 0
    for separator in separators.finditer(text):
        if separator[1]:
            yield text[start : separator.start()]
            start = separator.end()
    yield text[start:]


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1].replace('""', '"').strip() if _QUOTED.fullmatch(text) else text
