"""How likely a character is in a language, from its own names of countries, languages and currencies (CLDR)."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final, cast

from babel import Locale

FLOOR: Final = 1e-7
"""The probability of a character that a language does not have."""
_SIGNS: Final = frozenset("€£¥’‘“”„–—…•®™©°²³½¼¾×«»\u00a0·§µ¿¡№、。・「」（）：，－　！／")
"""What any shop's text may have beside letters."""
_SIGN: Final = 2e-3
_LATIN_NEIGHBOUR: Final = -12.0
"""Characters of East Asia rarely stand within a Latin word."""
_WORD_STARTS: Final = " \"'(,;/-\t\n"
_REPERTOIRES: Final[Mapping[str, tuple[str, int, int, int]]] = {
    "zh_Hans": ("gb2312", 0xB0, 0xD7, 0xA1),
    "zh_Hant": ("big5", 0xA4, 0xC6, 0x40),
    "ja": ("euc_jp", 0xB0, 0xCF, 0xA1),
    "ko": ("euc_kr", 0xB0, 0xC8, 0xA1),
}
"""The part of a character set that its makers thought common: codec, first and last lead byte, least second byte."""


@dataclass(frozen=True, slots=True)
class LetterModel:
    """A language's characters: alone, and after another one.

    Attributes:
        alone: probability by character.
        after: how often a character comes after another, by the pair.
        firsts: how often a character is the first of such a pair.
        common: further characters that are in use, each as likely as the next.
        share: of them all, from 0 to 1.
    """

    alone: Mapping[str, float]
    after: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    firsts: Mapping[str, int] = field(default_factory=dict[str, int])
    common: frozenset[str] = frozenset()
    share: float = 0.0

    def log_likelihood(self, before: str, letter: str) -> float:
        """The natural logarithm of how likely a letter is after the one before it, both in lower case."""
        if letter in _SIGNS:
            return math.log(_SIGN)
        if not self.after and (_is_latin(before) or _is_latin(letter)):
            return _LATIN_NEIGHBOUR
        alone = (1 - self.share) * self.alone.get(letter, 0.0)
        if letter in self.common:
            alone += self.share / len(self.common)
        count = self.firsts.get(before, 0)
        weight = count / (count + 10)
        pair = self.after.get((before, letter), 0) / count if count else 0.0
        return math.log(max(FLOOR, weight * pair + (1 - weight) * alone, 0.05 * alone))


@functools.lru_cache(maxsize=64)
def letter_model(language: str) -> LetterModel:
    """The model of a language; East Asian ones have no pairs, and the characters of their standard's first level."""
    text = " ".join(_names(Locale.parse(language))).lower()
    if language in _REPERTOIRES:
        counts = Counter(letter for letter in text if not letter.isascii())
        if language == "zh_Hans":
            counts = _dictionary_characters()
        return LetterModel(_shares(counts), common=_common(language), share=0.3)
    pairs = Counter(itertools.pairwise(re.sub(r"[\d\W_]+", " ", text)))
    firsts: Counter[str] = Counter()
    for (first, _), count in pairs.items():
        firsts[first] += count
    return LetterModel(_shares(Counter(text)), pairs, firsts)


def word_start(letter: str) -> str:
    """What a model calls the character before a letter: all that is no letter is a blank."""
    return " " if letter in _WORD_STARTS or not letter.isalpha() else letter


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


def _names(locale: Locale) -> Iterator[str]:
    data = cast("Any", locale)
    for names in (data.territories, data.languages, data.currencies):
        yield from names.values()
    for kinds in (*data.months.values(), *data.days.values()):
        for names in kinds.values():
            yield from names.values()


def _shares(counts: Counter[str]) -> dict[str, float]:
    total = max(counts.total(), 1)
    return {letter: count / total for letter, count in counts.items()}


def _dictionary_characters() -> Counter[str]:
    """The characters of Chinese words, as often as the words occur."""
    counts: Counter[str] = Counter()
    # Read as a file: importing the segmenter takes a second.
    with files("jieba").joinpath("dict.txt").open(encoding="utf-8") as lines:
        for line in lines:
            word, count, _ = line.split(" ")
            for character in word:
                if not character.isascii():
                    counts[character] += int(count)
    return counts


def _common(language: str) -> frozenset[str]:
    codec, first, last, least = _REPERTOIRES[language]
    leads, seconds = range(first, last + 1), range(least, 0xFF)
    decoded = (bytes(pair).decode(codec, "ignore") for pair in itertools.product(leads, seconds))
    kana = "".join(map(chr, range(0x3041, 0x30FF))) if language == "ja" else ""
    return frozenset(character for character in decoded if len(character) == 1) | frozenset(kana)
