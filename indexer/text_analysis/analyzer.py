"""Text analysis for BM25, the same for documents and queries and for every engine.

The store only splits text at what is no letter or digit: stems, Chinese words and field weights are made here.
A term is a stemmed word, a word joined across its hyphens (`t-shirt` → `tshirt`), a Chinese word or character.
Terms are written in ASCII letters and digits, the others by their code units (`红` → `0x7ea2`), so that each engine's
tokenizer leaves them whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from indexer.memo import Memo, text_bytes
from indexer.text_analysis.chinese import HAN, dictionary_words, index_terms, is_chinese
from indexer.text_analysis.folding import fold, without_possessives
from indexer.text_analysis.stemming import stem

BM25_K1 = 0.8
BM25_B = 0.4
TERMS_MAX_BYTES = 60_000
"""What a document's or a query's terms may take; less than the 65,535 that Milvus takes."""
FIELD_WEIGHTS = {"title": 3, "brand": 1, "category": 1, "tags": 1, "attributes": 1, "description": 1, "voice": 1}
"""How often a field's terms count: a match in the title says more than one in the description."""

_LETTER = rf"(?:(?![{HAN}])[^\W_])"
_RUNS = re.compile(rf"[{HAN}]+|{_LETTER}+(?:[-.]{_LETTER}+)*")
_HYPHENS = re.compile(r"[-.]")
_LONGEST_TERM = 64
_SHORT_WORD = 32
_WORDS = 50_000
"""ASCII words of up to `_SHORT_WORD` characters whose terms are remembered: with one a kilobyte at most (a piece and a
term at every other character), some 50 MB. Words come again and again; this is what indexing asks for most."""
_SHORT = 64
_RUNS_BYTES = _TEXTS_BYTES = 32 * 2**20
"""Memory for the terms of other short runs, and for those of short texts: brands and attribute values come again."""
_REQUIRED_BYTES = 8 * 2**20
"""Memory for the terms of what queries exclude, which is compared with many products."""


def document_terms(fields: Mapping[str, Any]) -> str:
    """A product's terms, separated by blanks; heavier fields are repeated.

    Args:
        fields: the product's fields by name, as JSON values; absent ones are skipped.

    Returns:
        At most `TERMS_MAX_BYTES` of ASCII; what is over that is cut from the end, the description's.
    """
    parts: list[str] = []
    size = 0
    for name, weight in FIELD_WEIGHTS.items():
        for text in _texts(fields.get(name)):
            if size > TERMS_MAX_BYTES:
                return _truncated(" ".join(parts))
            terms = _short_text_terms(text) if len(text) <= _SHORT else _joined_terms(text[:TERMS_MAX_BYTES])
            if terms:
                parts += [terms] * weight
                size += (len(terms) + 1) * weight
    return _truncated(" ".join(parts))


def query_terms(text: str) -> str:
    """The terms of a query, separated by blanks; empty when it has no letter or digit."""
    return _truncated(_joined_terms(text[:TERMS_MAX_BYTES]))


def required_terms(text: str) -> tuple[str, ...]:
    """The terms that a document must all have to hold the words of a text, whatever their order there.

    Fewer than `query_terms` gives: of a word with hyphens the joined one, of Chinese the dictionary's words and the
    characters outside of them. A document may have a word's characters, or its pieces, without the word.
    """
    return _required_terms(text)


def _make_required_terms(text: str) -> tuple[str, ...]:
    runs = _runs(text[:TERMS_MAX_BYTES])
    return tuple(dict.fromkeys(_ascii(term) for run in runs for term in _run_required(run)))


def surface_forms(text: str) -> dict[str, str]:
    """Each term of a text as it is first written there, but for case, width and accents: `tshirt` → `t-shirt`."""
    forms: dict[str, str] = {}
    for run in _runs(text[:TERMS_MAX_BYTES]):
        for term, form in _run_surfaces(run):
            forms.setdefault(term, form)
    return forms


def words_in_order(text: str) -> list[str]:
    """The words of a text in their order, without case, width and accents; of Chinese, those of the dictionary."""
    return [word for run in _RUNS.findall(fold(text[:TERMS_MAX_BYTES])) for word in _run_words(run)]


def _runs(text: str) -> list[str]:
    """The runs of letters and the runs of Chinese characters in a text, folded, without possessives."""
    return _RUNS.findall(without_possessives(fold(text)))


def _terms(text: str) -> list[str]:
    """The terms of a text in their order, as the store sees them."""
    return [term for run in _runs(text) for term in _terms_of_run(run)]


def _joined_terms(text: str) -> str:
    return " ".join(_terms(text))


def _terms_of_run(run: str) -> tuple[str, ...]:
    if len(run) > _SHORT:
        return _run_terms(run)
    return _short_word_terms(run) if run.isascii() and len(run) <= _SHORT_WORD else _short_run_terms(run)


def _run_terms(run: str) -> tuple[str, ...]:
    """The terms of a run of letters, joined by hyphens perhaps, or of Chinese characters."""
    return tuple(map(_ascii, index_terms(run) if is_chinese(run) else _word_terms(run)))


def _word_terms(run: str) -> Iterator[str]:
    pieces = _HYPHENS.split(run)
    for piece in pieces:
        yield stem(piece[:_LONGEST_TERM])
    if len(pieces) > 1:
        yield stem("".join(pieces)[:_LONGEST_TERM])


def _run_words(run: str) -> Iterable[str]:
    return dictionary_words(run) if is_chinese(run) else (run,)


def _run_required(run: str) -> Iterator[str]:
    if is_chinese(run):
        yield from dictionary_words(run)
    else:
        yield stem(_HYPHENS.sub("", run)[:_LONGEST_TERM])


def _run_surfaces(run: str) -> Iterator[tuple[str, str]]:
    """The terms of a run, each with what it is written as there."""
    if is_chinese(run):
        yield from ((_ascii(term), term) for term in index_terms(run))
        return
    for form in (run, *_HYPHENS.split(run)):
        yield _ascii(stem(_HYPHENS.sub("", form)[:_LONGEST_TERM])), form


def _terms_bytes(text: str, terms: Iterable[str]) -> int:
    return text_bytes(text, *terms)


_short_word_terms = lru_cache(_WORDS)(_run_terms)
_short_run_terms = Memo(_run_terms, _terms_bytes, _RUNS_BYTES)
_short_text_terms = Memo(_joined_terms, text_bytes, _TEXTS_BYTES)
_required_terms = Memo(_make_required_terms, _terms_bytes, _REQUIRED_BYTES)


def _texts(value: Any) -> list[str]:
    """The texts in a field's value: itself, a list's items, an attribute map's values."""
    if isinstance(value, str):
        return [value]
    if not value or not isinstance(value, Iterable):
        return []
    items = cast(Iterable[Any], value.values() if isinstance(value, dict) else value)
    return [text for item in items for text in ((item,) if isinstance(item, str) else _texts(item))]


def _truncated(terms: str) -> str:
    """As many whole terms as fit."""
    return terms if len(terms) <= TERMS_MAX_BYTES else terms[: TERMS_MAX_BYTES + 1].rpartition(" ")[0]


def _ascii(term: str) -> str:
    """A term as the store sees it; distinct terms stay distinct."""
    if term.isascii() and not term.startswith("0x"):
        return term
    return f"0x{term.encode('utf-16-be', errors='surrogatepass').hex()}"
