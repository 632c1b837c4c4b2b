"""How words sound: from a pronouncing dictionary, from the words that they are made of, or by their letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from encoders.speech.letter_to_sound import LetterToSoundRules, Phones

_LEAST_PART: Final = 3
_VOICELESS: Final = frozenset({"P", "T", "K", "F", "TH"})
_SIBILANTS: Final = frozenset({"S", "Z", "SH", "ZH", "CH", "JH"})
_ENDINGS: Final[Mapping[str, Phones]] = {
    "ing": ("IH", "NG"),
    "er": ("ER",),
    "ers": ("ER", "Z"),
    "ie": ("IY",),
    "ies": ("IY", "Z"),
    "y": ("IY",),
    "ed": ("D",),
    "less": ("L", "AH", "S"),
}


class Pronunciations:
    """Pronounces English words, and names by the rules of English."""

    def __init__(self, dictionary: Mapping[str, tuple[Phones, ...]]) -> None:
        """Args: dictionary: words in lower case, each with all its pronunciations, the most usual first."""
        self._dictionary = dictionary

    @classmethod
    def from_cmu_file(cls, path: Path) -> Pronunciations:
        """Read a dictionary in CMU's format: a word and its phones on each line, its further ones as `word(2)`."""
        dictionary: dict[str, tuple[Phones, ...]] = {}
        for line in path.read_text("utf-8").splitlines():
            written, *phones = line.split()
            word = written.partition("(")[0]
            dictionary[word] = (*dictionary.get(word, ()), tuple(phones))
        return cls(dictionary)

    def pronounce(self, word: str) -> tuple[Phones, ...]:
        """All pronunciations of a word of letters and apostrophes; none where no rule gives it a sound.

        A word that the dictionary lacks is taken for an inflection of a word in it or for a compound of two, and is
        pronounced by its letters as well: many names only look like compounds.
        """
        if word in self._dictionary:
            return self._dictionary[word]
        plain = word.replace("'", "")
        pronunciations = [
            *self._plural(plain),
            *self._ending(plain),
            *self._compound(plain),
            self._letters.pronounce(plain),
        ]
        return tuple(way for way in dict.fromkeys(pronunciations) if way)

    def cmu_lexicon(self, words: Iterable[str]) -> str:
        """A dictionary in CMU's format of just these words; those without a pronunciation are left out."""
        lines: list[str] = []
        for word in words:
            for at, phones in enumerate(self.pronounce(word), start=1):
                lines.append(f"{word if at == 1 else f'{word}({at})'} {' '.join(phones)}")
        return "\n".join(lines) + "\n"

    def _plural(self, word: str) -> list[Phones]:
        if not word.endswith("s") or word[:-1] not in self._dictionary:
            return []
        return [(*way, *_plural_ending(way[-1])) for way in self._dictionary[word[:-1]]]

    def _ending(self, word: str) -> list[Phones]:
        for ending, phones in _ENDINGS.items():
            stem = word.removesuffix(ending)
            if stem != word and len(stem) >= _LEAST_PART:
                # `zipper` of `zip`, `hooded` of `hood`.
                bases = (stem, stem[:-1]) if stem[-1] == stem[-2] else (stem,)
                ways = [way for base in bases for way in self._dictionary.get(base, ())]
                if ways:
                    return [(*way, *phones) for way in ways]
        return []

    def _compound(self, word: str) -> list[Phones]:
        """The split into two known words whose shorter part is longest, if there is any."""
        splits = [
            (min(at, len(word) - at), at)
            for at in range(_LEAST_PART, len(word) - _LEAST_PART + 1)
            if word[:at] in self._dictionary and word[at:] in self._dictionary
        ]
        if not splits:
            return []
        at = max(splits)[1]
        return [self._dictionary[word[:at]][0] + self._dictionary[word[at:]][0]]

    @cached_property
    def _letters(self) -> LetterToSoundRules:
        """Learnt when the first word needs it."""
        return LetterToSoundRules({word: ways[0] for word, ways in self._dictionary.items()})


def _plural_ending(last: str) -> Phones:
    if last in _SIBILANTS:
        return ("IH", "Z")
    return ("S",) if last in _VOICELESS else ("Z",)
