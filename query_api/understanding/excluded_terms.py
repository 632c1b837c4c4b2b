"""The terms in a query's text that its results must not have: `-word`, `-"several words"`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DASHES = "-\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"
_BREAKS = ",;，；、"
_EXCLUDED_TERM = re.compile(rf'(?:^|(?<=[\s{_BREAKS}]))[{_DASHES}](?:"([^"]+)"|([^\W\d_][^\s"{_BREAKS}]*))')
_CLOSING = ".!?:)。！？…" + _DASHES


@dataclass(frozen=True, slots=True)
class QueryText:
    """A text without its unwanted terms, and those."""

    text: str
    excluded_terms: tuple[str, ...] = ()


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
