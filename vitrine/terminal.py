"""Text of unknown origin on its way to a terminal or a log: nothing in it steers either.

Titles, ids, errors and file names come from shops, shoppers and other servers. An escape sequence in one could recolour
the screen, rewrite the line above it or set the clipboard; a direction mark could turn `gpj.exe` round.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.text import Text

_STEERING: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters, of which 9b begins an escape sequence as well as 1b
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks of the direction of writing
    "\u2028\u2029\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"  # other ends of lines, notes, surrogates, hidden tags
)
_IN_LINE: Final = re.compile(f"[{_STEERING}]")
_BLANK: Final = re.compile("[\t\n\r]+")


def printable(text: str) -> str:
    """The text as one line, with � for each character that could steer a terminal."""
    return _IN_LINE.sub("�", _BLANK.sub(" ", text))


def printable_lines(text: str) -> str:
    """The text with its line ends and tabs, otherwise as `printable` does it."""
    return _IN_LINE.sub("�", text.replace("\r\n", "\n").replace("\r", "\n"))


def cell(text: str, style: str = "") -> Text:
    """The text as a cell or line of rich's, which takes nothing in it for markup."""
    # Imported here: logs need no rich.
    from rich.text import Text

    return Text(printable(text), style=style)


def json_text(value: Any, indent: int | None = 2) -> str:
    """JSON of a value, with what could steer a terminal escaped as JSON escapes it."""
    return escaped_json(json.dumps(value, indent=indent, ensure_ascii=False, default=str))


def escaped_json(text: str) -> str:
    """The same JSON, with what could steer a terminal escaped: it can stand in strings alone."""
    if text.isascii() and text.isprintable():
        return text
    return _IN_LINE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match.group())[1:-1]
