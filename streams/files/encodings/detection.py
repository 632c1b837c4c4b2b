"""The encoding of a file's text: by its marks, as UTF-8, as UTF-16 without a mark, else by what makes sense of it.

What is neither is read in each encoding that shops' programs write, and each reading is weighed by how likely its
letters are in the languages that the encoding is for. The sum over the languages of one reading, of all readings, is
how sure the choice is.

Source: naive Bayes over characters, as in A. McCallum and K. Nigam, "A comparison of event models for naive Bayes text
classification", 1998.
"""

from __future__ import annotations

import codecs
import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from streams.files.encodings.letter_models import LetterModel, letter_model, word_start

LEAST_CONFIDENCE: Final = 0.95
"""Below it nothing is guessed."""
SAMPLE_LETTERS: Final = 3_000
"""Characters beyond ASCII that are weighed."""
_TEMPER: Final = 0.5
"""Letters of a word are not independent: each tells about half of what it would alone."""
_CASE_BREAK: Final = -5.0
"""A capital within a word of small letters."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN: Final = ("fr", "de", "es", "pt", "it", "nl", "sv", "da", "nb", "fi", "is", "en")
LANGUAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "cp1252": _WESTERN,
    "iso8859_15": _WESTERN,
    "gb18030": ("zh_Hans", "zh_Hant"),
    "big5hkscs": ("zh_Hant",),
    "cp932": ("ja",),
    "euc_jp": ("ja",),
    "cp949": ("ko",),
    "cp1250": ("pl", "cs", "sk", "hu", "ro", "hr", "sl"),
    "iso8859_2": ("pl", "cs", "sk", "hu", "sl"),
    "cp1251": ("ru", "uk", "bg", "sr_Cyrl"),
    "koi8_r": ("ru",),
    "cp866": ("ru",),
    "cp1253": ("el",),
    "cp1254": ("tr",),
    "cp1255": ("he",),
    "cp1256": ("ar", "fa"),
    "cp1257": ("lt", "lv", "et"),
    "cp1258": ("vi",),
    "cp874": ("th",),
    "mac_roman": _WESTERN,
    "cp850": _WESTERN,
}
"""Languages by the encodings that are tried."""
_PRIOR: Final = {
    "cp1252": 12.0,
    "mac_roman": 0.05,
    "cp850": 0.05,
    "euc_jp": 0.3,
    "iso8859_2": 0.2,
    "iso8859_15": 0.5,
    "cp866": 0.1,
    "koi8_r": 0.2,
}
"""How usual an encoding is, to one of 1."""


@dataclass(frozen=True, slots=True)
class DetectedEncoding:
    """An encoding, and how sure it is.

    Attributes:
        name: as Python names it.
        confidence: 0 to 1; 1 for what marks or UTF-8's own pattern tell.
        second: the next best, where there is one.
    """

    name: str
    confidence: float = 1.0
    second: str | None = None


def detect_encoding(head: bytes, sample: bytes) -> DetectedEncoding:
    """The encoding of a text that is not UTF-8.

    Args:
        head: how the file begins, its byte order mark included.
        sample: whole lines of it that have bytes beyond ASCII, as many as are at hand.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return DetectedEncoding(name)
    if wide := utf16_without_mark(head):
        return DetectedEncoding(wide)
    readings = {name: text for name in LANGUAGES if (text := _decoded(sample, name)) is not None}
    weights = {name: _log_weight(name, text) for name, text in readings.items()}
    best = max(weights, key=lambda name: weights[name], default="")
    if not best:
        return DetectedEncoding("cp1252", 0.0)
    shares = {name: math.exp(max(weight - weights[best], -700.0)) for name, weight in weights.items()}
    same = sum(share for name, share in shares.items() if readings[name] == readings[best])
    others = [name for name in shares if readings[name] != readings[best]]
    second = max(others, key=lambda name: shares[name], default=None)
    return DetectedEncoding(best, same / sum(shares.values()), second)


def utf16_without_mark(head: bytes) -> str | None:
    """UTF-16's byte order, by the halves of its ASCII characters that are zero; None where it is not UTF-16."""
    evens, odds = head[:4096:2], head[1:4096:2]
    if odds and odds.count(0) > 0.15 * len(odds) and evens.count(0) <= 0.01 * len(evens):
        return "utf-16-le"
    if evens and evens.count(0) > 0.15 * len(evens) and odds.count(0) <= 0.01 * len(odds):
        return "utf-16-be"
    return None


def _decoded(sample: bytes, name: str) -> str | None:
    """The sample read in an encoding; None where it has bytes that the encoding has not."""
    try:
        text = sample.decode(name)
    except UnicodeDecodeError:
        return None
    text = unicodedata.normalize("NFC", text)  # Vietnamese is written in parts
    return None if any("\x7f" <= letter < "\xa0" or "\ue000" <= letter < "\uf900" for letter in text) else text


def _log_weight(name: str, text: str) -> float:
    """The logarithm of how likely a reading is, the likeliest language taken."""
    letters = list(_letters(text))
    best = max(_log_likelihood(letter_model(language), letters) for language in LANGUAGES[name])
    return _TEMPER * best + math.log(_PRIOR.get(name, 1.0))


def _letters(text: str) -> Iterator[tuple[str, str, int]]:
    """The letters that tell: each with the one before it, and a penalty of 1 for a capital where none belongs."""
    told = 0
    before = " "
    for letter in text:
        if not letter.isascii() or not before.isascii():
            told += not letter.isascii()
            yield word_start(before).lower(), letter, int(before.islower() and letter.isupper())
            if told >= SAMPLE_LETTERS:
                return
        before = letter


def _log_likelihood(model: LetterModel, letters: Iterable[tuple[str, str, int]]) -> float:
    total = 0.0
    for before, letter, breaks in letters:
        letter = letter.lower() if len(letter.lower()) == 1 else letter
        if not letter.isascii():
            total += model.log_likelihood(before, letter) + breaks * _CASE_BREAK
        elif letter.isalpha() or model.after:
            total += model.log_likelihood(before, word_start(letter))
    return total
