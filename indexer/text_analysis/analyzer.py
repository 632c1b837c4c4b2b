"""Our own analysis for BM25, the same for documents and queries, so that no engine's analyzer is needed.

The store only splits text at what is no letter or digit: stems, Chinese words and field weights are made here.
A term is a stemmed word, a word joined across its hyphens (`t-shirt` → `tshirt`), a Chinese word or character.
Terms are written in ASCII letters and digits, the others by their code units (`红` → `0x7ea2`), so that each engine's
tokenizer leaves them whole.
"""

from __future__ import annotations

import logging
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jieba import Tokenizer

BM25_K1 = 0.8
BM25_B = 0.4
TERMS_MAX_BYTES = 60_000
"""What a document's or a query's terms may take; less than the 65,535 that Milvus takes."""
FIELD_WEIGHTS = {"title": 3, "brand": 1, "category": 1, "tags": 1, "attributes": 1, "description": 1, "voice": 1}
"""How often a field's terms count: a match in the title says more than one in the description."""

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = rf"(?:(?![{_HAN}])[^\W_])"
_RUNS = re.compile(rf"[{_HAN}]+|{_LETTER}+(?:[-.]{_LETTER}+)*")
_HAN_START = re.compile(rf"[{_HAN}]")
_POSSESSIVES = re.compile(r"['’ʼ](?:s\b)?")
_ACCENTS = re.compile("[\u0300-\u036f]")
_ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")
_HYPHENS = re.compile(r"[-.]")
_LONGEST_TERM = 64
_SHORT = 64
_REQUIRED = 1_000
_CACHED = 50_000
"""Short runs and texts whose terms are remembered: words come again, and so do brands and attribute values."""


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
            terms = _short_text_terms(text) if len(text) <= _SHORT else _terms(text[:TERMS_MAX_BYTES])
            if size <= TERMS_MAX_BYTES and terms:
                parts.append(" ".join(terms * weight))
                size += len(parts[-1]) + 1
    return _truncated(" ".join(parts))


def query_terms(text: str) -> str:
    """The terms of a query, separated by blanks; empty when it has no letter or digit."""
    return _truncated(" ".join(_terms(text[:TERMS_MAX_BYTES])))


@lru_cache(_REQUIRED)
def required_terms(text: str) -> tuple[str, ...]:
    """The terms that a document must all have to hold the words of a text, whatever their order there.

    Fewer than `query_terms` gives: of a word with hyphens the joined one, of Chinese the dictionary's words and the
    characters outside of them. A document may have a word's characters, or its pieces, without the word.
    """
    runs = _RUNS.findall(_POSSESSIVES.sub("", fold(text[:TERMS_MAX_BYTES])))
    return tuple(dict.fromkeys(_ascii(term) for run in runs for term in _run_required(run)))


def surface_forms(text: str) -> dict[str, str]:
    """Each term of a text as it is first written there, but for case, width and accents: `tshirt` → `t-shirt`."""
    found: dict[str, str] = {}
    for run in _RUNS.findall(_POSSESSIVES.sub("", fold(text[:TERMS_MAX_BYTES]))):
        for term, form in _run_surfaces(run):
            found.setdefault(term, form)
    return found


def words_in_order(text: str) -> list[str]:
    """The words of a text in their order, without case, width and accents; of Chinese, those of the dictionary."""
    return [word for run in _RUNS.findall(fold(text[:TERMS_MAX_BYTES])) for word in _run_words(run)]


def has_chinese(text: str) -> bool:
    """Whether a text has a Chinese character."""
    return not text.isascii() and _HAN_START.search(text) is not None


def _terms(text: str) -> list[str]:
    """The terms of a text in their order, as the store sees them."""
    runs = _RUNS.findall(_POSSESSIVES.sub("", fold(text)))
    return [term for run in runs for term in (_short_run_terms if len(run) <= _SHORT else _run_terms)(run)]


def fold(text: str) -> str:
    """A text without case, width, accents and zero-width characters, as words are compared."""
    if text.isascii():
        return text.lower()
    text = _ZERO_WIDTH.sub("", text)
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold()))


def _run_terms(run: str) -> tuple[str, ...]:
    """The terms of a run of letters, joined by hyphens perhaps, or of Chinese characters."""
    return tuple(map(_ascii, _han_terms(run) if _HAN_START.match(run) else _word_terms(run)))


def _word_terms(run: str) -> Iterator[str]:
    pieces = _HYPHENS.split(run)
    for piece in pieces:
        yield _stem(piece[:_LONGEST_TERM])
    if len(pieces) > 1:
        yield _stem("".join(pieces)[:_LONGEST_TERM])


def _run_words(run: str) -> Iterable[str]:
    return _segmenter().cut(run, HMM=False) if _HAN_START.match(run) else (run,)


def _run_required(run: str) -> Iterator[str]:
    if _HAN_START.match(run):
        yield from _segmenter().cut(run, HMM=False)
    else:
        yield _stem(_HYPHENS.sub("", run)[:_LONGEST_TERM])


def _run_surfaces(run: str) -> Iterator[tuple[str, str]]:
    """The terms of a run, each with what it is written as there."""
    if _HAN_START.match(run):
        yield from ((_ascii(term), term) for term in _han_terms(run))
        return
    for form in (run, *_HYPHENS.split(run)):
        yield _ascii(_stem(_HYPHENS.sub("", form)[:_LONGEST_TERM])), form


def _han_terms(run: str) -> Iterator[str]:
    # Characters too: a word that the dictionary does not know still matches by what it is written with.
    yield from (word for word in _segmenter().cut_for_search(run) if len(word) > 1)
    yield from run


_short_run_terms = lru_cache(_CACHED)(_run_terms)
_short_text_terms = lru_cache(_CACHED)(_terms)


def _texts(value: Any) -> Iterator[str]:
    """The texts in a field's value: itself, a list's items, an attribute map's values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, Iterable):
        for one in value:
            yield from _texts(one)


def _truncated(terms: str) -> str:
    """As many whole terms as fit."""
    return terms if len(terms) <= TERMS_MAX_BYTES else terms[: TERMS_MAX_BYTES + 1].rpartition(" ")[0]


def _ascii(term: str) -> str:
    """A term as the store sees it; distinct terms stay distinct."""
    if term.isascii() and not term.startswith("0x"):
        return term
    return f"0x{term.encode('utf-16-be', errors='surrogatepass').hex()}"


def _stem(word: str) -> str:
    """An English word without its plural ending; verbs are left alone, for `leggings` are no `legs`.

    Source: Harman, 1991, "How effective is suffixing?" (the S stemmer), with the -es of sibilants.
    """
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes", "zzes")) else word[:-1]


@cache
def _segmenter() -> Tokenizer:
    """Jieba with its dictionary, which takes a second to load, so only where there is Chinese."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It imports pkg_resources, which warns of its own age.
        import jieba
    jieba.setLogLevel(logging.CRITICAL)
    segmenter = jieba.Tokenizer()
    segmenter.initialize()
    return segmenter
