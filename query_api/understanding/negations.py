"""What a query says in words that it does not want: `without stripes`, `no sugar`, `ohne`, `sans`, `不含糖`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from indexer.text_analysis.chinese import dictionary_words, has_chinese, simplified
from indexer.text_analysis.folding import fold
from indexer.text_analysis.negation import BETWEEN, CONJUNCTIONS, NEGATIONS, WITHOUT
from indexer.text_analysis.stemming import stem
from query_api.understanding.price_words import word_set

_WORDS = re.compile(r"w/o(?![^\W_])|[^\W_]+(?:[-.'’][^\W_]+)*|[,;.，；、。]")
_AFTER_ITS_NOUN = NEGATIONS - {"no", "zero", "non", "geen", "0", "0g"}
"""Negations that what is wanted stands before, so that two words may follow: `shorts without mesh liner`."""
_STARTS = (NEGATIONS | {"w/o"}) - {"non", "0", "0g"}
_MODIFIERS = word_set(
    """long short big small large high low front back side full half visible real fake thick thin lange kurze
    langen kurzen longues courtes largas cortas lunghe corte"""
)
"""Words that say which part is meant: with the next one."""
_NO_THING = word_set("prejudice doubt borders limits limit cause words reason fear worries equal warning regrets mercy")
"""What titles and sayings are without, which no product has: `listen without prejudice`."""
_NO_PART = word_set(
    """and or for with in on at to from of under over red blue green black white grey gray pink yellow orange purple
    brown beige navy cheap size small medium large men mens women womens kids boys girls fur mit und pour avec et para
    con y"""
)
"""Words that no longer belong to what is not wanted."""
_INGREDIENTS = word_set(
    """sugar gluten lactose dairy milk nut peanut soy egg wheat grain alcohol caffeine fat salt sodium fragrance perfume
    scent paraben sulfate silicone phthalate bpa latex nickel lead oil meat gmo aluminum aluminium fluoride ammonia
    acetone plastic leather pvc dye chlorine palm yeast corn zucker laktose alkohol koffein fett salz parfum milch nuss
    soja ei weizen aluminium silikon plastik"""
)
"""What `sugar-free` and its like leave out: of others, `wrinkle-free`, there is nothing to leave out."""
_PARTS = word_set("sleeve strap collar hood button rim frame handle lid heel zipper armel trager kragen")
"""What `sleeveless` and its like leave out."""
_CHINESE = re.compile(r"(?:不含|没有|不带|不要|不加|无|零)(?:添加)? ?(?=[\u4e00-\u9fff])")
_CHINESE_COMPOUNDS = word_set("无糖 无袖 无领 无油 无盐 无帽 无肩带 无钢圈 无酒精 无香料 零糖 零脂肪")
"""Words that say what is not there; others that begin so say something else: 无线."""
_MAX_BETWEEN, _LONGEST_CHINESE = 3, 4


@dataclass(frozen=True, slots=True)
class NegatedText:
    """A text without what it says that it does not want, and this."""

    text: str
    excluded: tuple[str, ...] = ()


class _Word(NamedTuple):
    text: str
    folded: str
    start: int
    end: int


def split_negations(text: str) -> NegatedText:
    """Take what a normalised text says that it does not want out of it.

    `sugar-free` and `sleeveless`, which products have for words, stay in the text too. A text that says nothing else is
    left as it is.
    """
    words = [_Word(match[0], fold(match[0]), match.start(), match.end()) for match in _WORDS.finditer(text)]
    said = [*_phrases(words), *_suffixed(words), *(_chinese(text) if has_chinese(text) else ())]
    # `silverware box without silverware`: whatever is wanted has it, too.
    wanted = {stem(word) for word in fold(_cut_out(text, said)).split()} if said else set[str]()
    found = [phrase for phrase in said if phrase[1] == phrase[2] or stem(fold(phrase[0])) not in wanted]
    if not found:
        return NegatedText(text)
    rest = _cut_out(text, found)
    if not any(map(str.isalnum, rest)):
        return NegatedText(text)
    return NegatedText(" ".join(rest.split()).strip(" ,;，；、"), tuple(dict.fromkeys(term for term, _, _ in found)))


def _cut_out(text: str, found: Sequence[tuple[str, int, int]]) -> str:
    """A text without what stands at some places."""
    for _, start, end in sorted(found, key=lambda one: -one[1]):
        text = f"{text[:start]} {text[end:]}"
    return text


def excluded_forms(term: str) -> tuple[str, ...]:
    """A word that is not wanted, with what has it: `stripes`, `striped`."""
    word = stem(fold(term))
    if not word.isascii() or not word.isalpha():
        return (term,)
    word = word.removesuffix("ing")
    doubled = word + word[-1] if re.search(r"(?:^|[^aeiou])[aeiou][bdgmnpt]$", word) and len(word) <= 4 else word
    return term, f"{doubled}d" if word.endswith("e") else f"{doubled}ed"


def denials(term: str) -> tuple[str, ...]:
    """What lexical search finds products by that say to be without something."""
    return tuple(f"{WITHOUT}{word}" for word in _words_of(term))


def _words_of(term: str) -> list[str]:
    return [word for word in fold(term).split() if word.isalnum()]


def _phrases(words: Sequence[_Word]) -> Iterator[tuple[str, int, int]]:
    """(what, start, end) of `without stripes or dots` and its like."""
    at = 0
    while at < len(words):
        start, first = at, _after_negation(words, at)
        at += 1
        if first is None:
            continue
        most = 2 if words[start].folded in _AFTER_ITS_NOUN | {"w/o", "free"} else 1
        for last, following in _listed(words, first, most):
            yield " ".join(word.text for word in words[last:following]), words[start].start, words[following - 1].end
            start = at = following


def _after_negation(words: Sequence[_Word], at: int) -> int | None:
    """The place at which what is negated begins; None: nothing is negated here."""
    folded = [word.folded for word in words[at : at + 2 + _MAX_BETWEEN]]
    if folded[:2] in (["free", "of"], ["free", "from"], ["pas", "de"]):
        at += 2
    elif folded[0] in _STARTS:
        at += 1
    else:
        return None
    last = at + _MAX_BETWEEN
    while at < min(last, len(words)) and words[at].folded in BETWEEN:
        at += 1
    return at if at < len(words) and _is_word(words[at]) else None


def _listed(words: Sequence[_Word], at: int, most: int) -> Iterator[tuple[int, int]]:
    """(from, to) of each of the things that are listed from a place on."""
    while True:
        following = at + 1
        is_modified = words[at].folded in _MODIFIERS
        if following < len(words) and _is_word(words[following]):
            ends_there = following + 1 >= len(words) or not _is_word(words[following + 1])
            if is_modified or (most > 1 and ends_there and words[following].folded not in NEGATIONS):
                following += 1
        yield at, following
        is_listed = following + 1 < len(words) and words[following].folded in CONJUNCTIONS
        if not is_listed or not _is_word(words[following + 1]):
            return
        at = following + 1


def _is_word(word: _Word) -> bool:
    return len(word.folded) > 2 and word.folded[0].isalpha() and word.folded not in _NO_PART | _NO_THING | CONJUNCTIONS


def _suffixed(words: Sequence[_Word]) -> Iterator[tuple[str, int, int]]:
    """(what, place, place) of `sugar-free`, `sugar free`, `sleeveless`, `zuckerfrei`: nothing is taken out."""
    for at, (_, word, start, _) in enumerate(words):
        before = words[at - 1].folded if at else ""
        following = words[at + 1].folded if at + 1 < len(words) else ""
        for what, known in (
            (before if word == "free" and following not in ("of", "from") else "", _INGREDIENTS),
            (word.removesuffix("free").rstrip("-") if word.endswith("free") else "", _INGREDIENTS),
            (re.sub(r"frei(?:e[nrsm]?)?$", "", word), _INGREDIENTS),
            (re.sub(r"(?:less|lose?[nrsm]?)$", "", word), _PARTS),
        ):
            if what and what != word and stem(what) in known:
                yield what, start, start


def _chinese(text: str) -> Iterator[tuple[str, int, int]]:
    plain = simplified(text)
    for match in _CHINESE.finditer(plain):
        if match[0][0] in "无零" and not plain.startswith(tuple(_CHINESE_COMPOUNDS), match.start()):
            continue
        words = list(dictionary_words(plain[match.end() : match.end() + _LONGEST_CHINESE]))
        end = match.end() + len(words[0])
        what = words[0].removesuffix("子") if len(words[0]) > 1 else words[0]
        yield what, match.start(), end + plain.startswith("的", end)
