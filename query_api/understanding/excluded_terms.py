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
    """A text without its excluded terms, and these."""

    text: str
    excluded_terms: tuple[str, ...] = ()


def split_excluded_terms(text: str) -> QueryText:
    """Take the excluded terms out of a normalised text: `-word` and `-"several words"`, with any kind of dash.

    Before the dash is nothing, a blank or a comma, behind it a letter or a quote: `t-shirt`, `a - b` and `-20` exclude
    nothing.
    """
    if _EXCLUDED_TERM.search(text) is None:
        return QueryText(text)
    excluded: dict[str, None] = {}

    def take_out(match: re.Match[str]) -> str:
        term = " ".join((match[1] or match[2].rstrip(_CLOSING)).split())
        if not any(map(str.isalnum, term)):
            return match[0]
        excluded[term] = None
        return " "

    rest, before = text, ""
    # Where a term is taken out, the next may begin: `-"a"-b`.
    while rest != before:
        before, rest = rest, " ".join(_EXCLUDED_TERM.sub(take_out, rest).split())
    return QueryText(rest.strip(f" {_BREAKS}") if excluded else text, tuple(excluded))
