"""Text analysis for BM25, the same for documents and queries and for every engine.

The store only splits text at what is no letter or digit: stems, Chinese words and field weights are made here.
A term is a stemmed word, a word joined across its hyphens (`t-shirt` → `tshirt`), a number with its unit, a Chinese
word or character. A document has besides what its words and codes are when they are joined or parted otherwise, so that
a query has to have one of the writings only, and what it says to be without. Terms are written in ASCII letters and
digits, the others by their code units (`红` → `0x7ea2`), so that each engine's tokenizer leaves them whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from indexer.memo import Memo, text_bytes
from indexer.text_analysis.chinese import HAN, dictionary_words, index_terms, is_chinese, simplified
from indexer.text_analysis.chinese import count_words as count_chinese_words
from indexer.text_analysis.folding import fold, part_apostrophes, spelt_with_e
from indexer.text_analysis.measures import join_measures
from indexer.text_analysis.negation import CUES, WITHOUT, negated_words
from indexer.text_analysis.signs import spell_out_pictograms, spell_out_signs
from indexer.text_analysis.spellings import joined_neighbours
from indexer.text_analysis.stemming import stem
from indexer.text_analysis.words import Word, analyse_runs, ascii_term, joined_word, lacking_term, pieces

ANALYSIS_VERSION = 2
"""Goes up whenever a text has other terms than before: an older index is searched as it is, and should be rebuilt."""
BM25_K1 = 0.8
BM25_B = 0.4
TERMS_MAX_BYTES = 60_000
"""What a document's or a query's terms may take; less than the 65,535 that Milvus takes."""
FIELD_WEIGHTS = {"title": 3, "brand": 1, "category": 1, "tags": 1, "attributes": 1, "description": 1, "voice": 1}
"""How often a field's terms count: a match in the title says more than one in the description."""
LABEL_FIELDS = frozenset({"title", "brand", "tags", "attributes"})
"""Fields of names, not of sentences or paths: what stands side by side there may be one word that is parted."""

_LETTER = rf"[^\W_{HAN}]"
_RUNS = re.compile(rf"{WITHOUT}(?:[{HAN}]+|{_LETTER}+)|[{HAN}]+|{_LETTER}+(?:[-.]{_LETTER}+)*")
_ASCII_RUNS = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")
"""The same in what is folded and ASCII, in half the time."""
_DIGIT = re.compile(r"\d")
_SHORT = 64
_TEXTS_BYTES = 16 * 2**20
"""Memory for the terms of short labels, and for those of other short texts: brands and values come again."""
_REQUIRED_BYTES = 8 * 2**20
"""Memory for the terms of what queries exclude, which is compared with many products."""


class TextTerms(NamedTuple):
    """What a text in a document is found by; each separated by blanks."""

    terms: str
    """Its words as a query has them."""
    further: str
    """How else they may be written."""


def document_terms(fields: Mapping[str, Any], *, spellings: bool = True) -> str:
    """A product's terms, separated by blanks; heavier fields are repeated.

    Args:
        fields: the product's fields by name, as JSON values; absent ones are skipped.
        spellings: also how else its words may be written, by which queries find it; another product is like it by
            its own words.

    Returns:
        At most `TERMS_MAX_BYTES` of ASCII; what is over that is cut from the end, the description's.
    """
    parts: list[str] = []
    size = 0
    for name, weight in FIELD_WEIGHTS.items():
        remembered, analyse = _LABELS if name in LABEL_FIELDS else _PROSE
        for text in _texts(fields.get(name)):
            if size > TERMS_MAX_BYTES:
                return _truncated(" ".join(parts))
            terms, further = remembered(text) if len(text) <= _SHORT else analyse(text[:TERMS_MAX_BYTES])
            if terms:
                parts += [terms] * weight
                size += (len(terms) + 1) * weight
            if further and spellings:
                parts.append(further)
                size += len(further) + 1
    return _truncated(" ".join(parts))


def query_terms(text: str) -> str:
    """The terms of a query, separated by blanks; empty when it has no letter or digit."""
    return _truncated(" ".join([word.terms for word in analyse_runs(_runs(text[:TERMS_MAX_BYTES]))]))


def required_terms(text: str) -> tuple[str, ...]:
    """The terms that a document must all have to hold the words of a text, whatever their order there.

    Fewer than `query_terms` gives: of a word with hyphens the joined one, of Chinese the dictionary's words and the
    characters outside of them. A document may have a word's characters, or its pieces, without the word.
    """
    return _required_terms(text)


def count_words(text: str) -> int:
    """How many distinct words a reader sees in a text: of one with hyphens or of Chinese, a query has several terms."""
    runs = dict.fromkeys(_runs(text[:TERMS_MAX_BYTES]))
    return sum(count_chinese_words(simplified(run)) if is_chinese(run) else 1 for run in runs)


def lacking_terms(text: str) -> tuple[str, ...]:
    """The terms that tell a document which is without a text's words, as it says `sugar-free`: it has one of them."""
    return tuple(lacking_term(term) for term in _required_plain(text))


def surface_forms(text: str) -> dict[str, str]:
    """Each term of a text as it is first written there, but for case, width, accents, signs and units: `tshirt` →
    `t-shirt`."""
    forms: dict[str, str] = {}
    for run in dict.fromkeys(_runs(text[:TERMS_MAX_BYTES])):
        for term, form in _run_surfaces(run):
            forms.setdefault(term, form)
    return forms


def neighbour_forms(text: str) -> dict[str, str]:
    """The terms of two or three neighbours written as one, as the text writes them: `redshirt` → `red shirt`."""
    words = [word for word in _runs(text[:TERMS_MAX_BYTES]) if not is_chinese(word)]
    spans = [tuple(words[at : at + length]) for length in (3, 2) for at in range(len(words) - length + 1)]
    return {ascii_term(joined_word("".join(span))): " ".join(span) for span in dict.fromkeys(spans)}


def document_surface_forms(fields: Mapping[str, Any]) -> dict[str, str]:
    """Each term of a product's words as the product writes it first, see `surface_forms`."""
    return surface_forms("\n".join(text for name in FIELD_WEIGHTS for text in _texts(fields.get(name))))


def words_in_order(text: str) -> list[str]:
    """The words of a text in their order, without case, width and accents; of Chinese, those of the dictionary."""
    return [word for run in _RUNS.findall(fold(text[:TERMS_MAX_BYTES])) for word in _run_words(run)]


def words_and_codes(text: str) -> list[str]:
    """The words and codes of a text in their order, with an empty one for a run of Chinese characters.

    They are as they are written there, but for what `query_terms` folds together.
    """
    return ["" if is_chinese(run) else run for run in _runs(text[:TERMS_MAX_BYTES])]


def _make_required_terms(text: str) -> tuple[str, ...]:
    return tuple(map(ascii_term, _required_plain(text)))


def _required_plain(text: str) -> Iterable[str]:
    return dict.fromkeys(term for run in _runs(text[:TERMS_MAX_BYTES]) for term in _run_required(run))


def _label_terms(text: str) -> TextTerms:
    """Terms of a title, a brand or a value. Neighbouring words are also found when they are written as one."""
    runs = _runs(text)
    words = [*analyse_runs(runs)]
    further = [*_further(text, runs, words), *_joined(words, text.isascii() or all(map(str.isascii, runs)))]
    return TextTerms(" ".join([word.terms for word in words]), " ".join(further))


def _prose_terms(text: str) -> TextTerms:
    runs = _runs(text)
    words = [*analyse_runs(runs)]
    return TextTerms(" ".join([word.terms for word in words]), " ".join(_further(text, runs, words)))


def _further(text: str, runs: Sequence[str], words: Sequence[Word]) -> list[str]:
    """Other writings of a text's words, and what it is without, as terms."""
    further = [word.further for word in words if word.further]
    further += [ascii_term(stem(word)) for word in spelt_with_e(text)]
    if not CUES.isdisjoint(runs):
        further += [lacking_term(joined_word(word)) for word in negated_words(runs)]
    return further


def _joined(words: Sequence[Word], is_ascii: bool) -> list[str]:
    """Neighbours as one word, as terms."""
    pairs = joined_neighbours([word.part for word in words])
    if not is_ascii:
        return [ascii_term(stem(first + words[at].part)) for first, at in pairs]
    return [first + end if (end := words[at].end) else stem(first + words[at].part) for first, at in pairs]


def _runs(text: str) -> list[str]:
    """The runs of letters and the runs of Chinese characters in a text, folded and in one writing."""
    if not text.isascii():
        text = spell_out_pictograms(text)
    folded = spell_out_signs(fold(text))
    if _DIGIT.search(folded):
        folded = join_measures(folded)
    runs = _ASCII_RUNS if folded.isascii() else _RUNS
    return runs.findall(part_apostrophes(folded))


def _run_words(run: str) -> Iterable[str]:
    return dictionary_words(run) if is_chinese(run) else (run,)


def _run_required(run: str) -> Iterator[str]:
    if is_chinese(run):
        yield from dictionary_words(simplified(run))
    else:
        yield joined_word(run)


def _run_surfaces(run: str) -> Iterator[tuple[str, str]]:
    """The terms of a run, each with what it is written as there."""
    if is_chinese(run):
        yield from ((ascii_term(term), term) for term in index_terms(simplified(run)))
        return
    for form in (run, *pieces(run)):
        yield ascii_term(joined_word(form)), form.replace(WITHOUT, "without ")


_LABELS = Memo(_label_terms, lambda text, made: text_bytes(text, *made), _TEXTS_BYTES), _label_terms
_PROSE = Memo(_prose_terms, lambda text, made: text_bytes(text, *made), _TEXTS_BYTES), _prose_terms
_required_terms = Memo(_make_required_terms, lambda text, terms: text_bytes(text, *terms), _REQUIRED_BYTES)


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
