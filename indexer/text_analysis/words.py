"""A word, a code or a run of Chinese characters: what it is found by. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from indexer.memo import Memo, text_bytes
from indexer.text_analysis.chinese import dictionary_words, index_terms, is_chinese, simplified
from indexer.text_analysis.measures import measure_parts
from indexer.text_analysis.negation import CHINESE as NEGATED_CHINESE
from indexer.text_analysis.negation import WITHOUT, negated_in_word
from indexer.text_analysis.spellings import code_spellings, joinable
from indexer.text_analysis.stemming import stem, stem_of_end

CODED = "0x"
"""What the terms begin with that are written by their code units, four digits for each character."""
_HYPHENS = re.compile(r"[-.]")
_LONGEST_TERM = 64
_SHORT_WORD = 32
_WORDS = 50_000
"""ASCII words of up to `_SHORT_WORD` characters of which everything is remembered: with half a kilobyte at most (codes
of many parts), some 25 MB. Words come again and again; this is what indexing asks for most."""
_SHORT = 64
_RUNS_BYTES = 32 * 2**20
"""Memory for other short runs."""
_LONGEST_CHINESE_WORD = 4


class Word(NamedTuple):
    """What a run of letters and digits, with hyphens perhaps, or of Chinese characters says by itself."""

    terms: str
    """As a query has them, separated by blanks."""
    further: str
    """The terms of how else it may be written, and of what it says to be without."""
    part: str
    """What it is in a word together with its neighbours; empty: in none."""
    end: str
    """The end of the stem of a longer word that this part ends; empty: it is not the same for all."""


def analyse_runs(runs: Sequence[str]) -> Iterable[Word]:
    """The words of folded runs, in their order."""
    plain = max(map(len, runs), default=0) <= _SHORT_WORD and all(map(str.isascii, runs))
    return map(_short_word if plain else _word, runs)


def ascii_term(term: str) -> str:
    """A term as the store sees it; distinct terms stay distinct."""
    if term.isascii() and not term.startswith(CODED):
        return term
    return f"{CODED}{term.encode('utf-16-be', errors='surrogatepass').hex()}"


def lacking_term(term: str) -> str:
    """The term of a text that says to be without what has this one."""
    # 袖子 is 袖.
    return ascii_term(f"{WITHOUT}{term if term.isascii() or len(term) == 1 else term.removesuffix('子')}")


def joined_word(run: str) -> str:
    """The term of a run of letters as one word, without its hyphens."""
    return stem(_HYPHENS.sub("", run)[:_LONGEST_TERM])


def pieces(run: str) -> list[str]:
    """A run of letters, cut at its hyphens."""
    return _HYPHENS.split(run)


def _word(run: str) -> Word:
    if len(run) > _SHORT:
        return _make_word(run)
    return _short_word(run) if run.isascii() and len(run) <= _SHORT_WORD else _short_run(run)


def _make_word(run: str) -> Word:
    if is_chinese(run):
        plain = simplified(run)
        lacking = " ".join(map(lacking_term, _negated_chinese(plain)))
        return Word(" ".join(map(ascii_term, index_terms(plain))), lacking, "", "")
    terms = ascii_term(stem(run[:_LONGEST_TERM])) if run.isalpha() else " ".join(map(ascii_term, _word_terms(run)))
    measure = measure_parts(run)
    further = " ".join(measure or _further(run, terms))
    part = "" if measure else joinable(run)
    return Word(terms, further, part, stem_of_end(part))


def _word_terms(run: str) -> Iterator[str]:
    cut = _HYPHENS.split(run)
    for piece in cut:
        yield stem(piece[:_LONGEST_TERM])
    if len(cut) > 1:
        yield stem("".join(cut)[:_LONGEST_TERM])


def _further(run: str, terms: str) -> Iterator[str]:
    if not run.isalpha() and (spellings := code_spellings(run)):
        own = set(terms.split())
        yield from (term for spelling in spellings if (term := ascii_term(stem(spelling))) not in own)
    if what := negated_in_word(run):
        yield lacking_term(stem(what.replace("-", "")))


def _negated_chinese(run: str) -> Iterator[str]:
    """The words of the dictionary that follow a negation in a run of simplified characters."""
    for match in NEGATED_CHINESE.finditer(run):
        yield from islice(dictionary_words(run[match.end() : match.end() + _LONGEST_CHINESE_WORD]), 1)


_short_word = lru_cache(_WORDS)(_make_word)
_short_run = Memo(_make_word, lambda run, word: text_bytes(run, *word), _RUNS_BYTES)
