"""What a text says that it is without: `without sleeves`, `sleeveless`, `sugar-free`, `ohne Zucker`, `不含糖`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

WITHOUT: Final = "¬"
"""Before a word, in a query: what a product says to be without; in terms likewise, as no word has the sign."""
_NEGATIONS_WORDS = """
without no zero non ohne kein keine keinen keiner keinem sans sin senza sem zonder geen utan uden 0 0g
"""
NEGATIONS: Final = frozenset(_NEGATIONS_WORDS.split())
"""Words before what is not there: of English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish."""
_BETWEEN_WORDS = """
any a an the added adding artificial extra zusatz zugesetzten d de du des la le les el los las jegliche
"""
BETWEEN: Final = frozenset(_BETWEEN_WORDS.split())
"""Words that may stand between the two."""
CONJUNCTIONS: Final = frozenset(["or", "nor", "oder", "ou", "o", "of", "eller", "och", "et", "y", "e"])
"""Words after which there is more of what is not there."""
SUFFIXES: Final = ("less", "free", "frei", "los")
"""What words end in that say what they are without."""
_NOT_WITHOUT_WORDS = """
b bl un c s regard end count need time price value match harm use rest help job home tire weight never nevert
wire cord stain flaw ag bound hope
"""
NOT_WITHOUT: Final = frozenset(_NOT_WITHOUT_WORDS.split())
"""Words before `less` that name no part or ingredient."""
CHINESE: Final = re.compile(r"(?:不含|没有|不带|不加|不要|无|零|没)(?:添加)?")
CUES: Final = NEGATIONS | {"free", "w"}
"""Words beside which stands what is not there."""
_MAX_BETWEEN = 3


def negated_words(words: Sequence[str]) -> Iterator[str]:
    """The words that a text says to be without by its `CUES`, as they stand there, cue by cue.

    Args:
        words: folded, in their order, with their hyphens.
    """
    for cue in sorted(CUES.intersection(words)):
        for at in _places(cue, words):
            yield from _negated_at(words, at)


def negated_in_word(word: str) -> str:
    """What a folded word says to be without: `sugar-free` → `sugar`; empty: nothing."""
    if not word.endswith(SUFFIXES):
        return ""
    what = word[:-4] if word[-4:] in SUFFIXES else word[:-3]
    return what.rstrip("-") if len(what) > 2 and what not in NOT_WITHOUT else ""


def _negated_at(words: Sequence[str], at: int) -> Iterator[str]:
    """What a word at a place negates: mostly what follows, but `sugar free`."""
    after = words[at + 1 : at + 2]
    if words[at] == "w":
        yield from _following(words, at + 2) if after == ["o"] else ()
    elif words[at] != "free" or after in (["of"], ["from"]):
        yield from _following(words, at + (2 if words[at] == "free" else 1))
    elif at:
        yield words[at - 1]


def _places(word: str, words: Sequence[str]) -> Iterator[int]:
    at = -1
    for _ in range(words.count(word)):
        at = words.index(word, at + 1)
        yield at


def _following(words: Sequence[str], at: int) -> Iterator[str]:
    """What is meant from a place on: the first word, and others after conjunctions."""
    last = at + _MAX_BETWEEN
    while at < min(last, len(words)) and words[at] in BETWEEN:
        at += 1
    while at < len(words) and not words[at][0].isdigit():
        yield words[at]
        if words[at + 1 : at + 2] and words[at + 1] in CONJUNCTIONS:
            at += 2
        else:
            return
