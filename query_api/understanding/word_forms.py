"""What words of a query lexical search looks for in other forms: joined, inflected, compound. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from indexer.text_analysis.analyzer import query_terms, words_and_codes
from indexer.text_analysis.folding import spelt_with_e
from indexer.text_analysis.spellings import joinable, joined_neighbours
from query_api.understanding.vocabulary import Vocabulary

OWN_COUNT = 2
"""How often a query's own words count, so that they count more than other forms of them."""
WRITTEN_COUNT = 3
"""How often more a pair counts that the catalogue writes as one word: as it stands for two words."""
MAX_PAIRS = 16
MAX_EXPANDED = 8
"""How many words are looked for in other forms, the first ones."""


@dataclass(frozen=True, slots=True)
class WordForms:
    """Other forms of a text's words."""

    joined: Sequence[str] = ()
    """Neighbours written as one: where a title has them side by side, or as one, it has them all the more."""
    written_as_one: Mapping[str, str] = field(default_factory=dict[str, str])
    """Those which the catalogue writes so, by how the query does."""
    inflected: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """By the query's word, other words of the catalogue that are forms or compounds of it."""
    absent_terms: tuple[str, ...] = ()
    """Terms of what would have been written as one if the catalogue did."""

    @property
    def named(self) -> dict[str, list[str]]:
        """What is looked for that the query does not say, by what it says."""
        return {pair: [joined] for pair, joined in self.written_as_one.items()} | {
            word: list(forms) for word, forms in self.inflected.items()
        }

    def lexical_text(self, own: str) -> str:
        """What lexical search looks for: words and their synonyms, and in less measure other forms of the words."""
        others = (
            *self.joined,
            *(joined for joined in self.written_as_one.values() for _ in range(WRITTEN_COUNT)),
            *(form for forms in self.inflected.values() for form in forms),
        )
        return " ".join((*[own] * OWN_COUNT, *others)) if others else own

    def asked_text(self, words: str) -> str:
        """The query's own words, as often as `lexical_text` has them."""
        has_others = self.joined or self.written_as_one or self.inflected
        return " ".join([words] * OWN_COUNT) if has_others and words else words


NO_FORMS = WordForms()


def find_word_forms(text: str, vocabulary: Vocabulary | None) -> WordForms:
    """The other forms of a text's words, as far as the catalogue's words tell; None: they are not known yet."""
    words = words_and_codes(text)
    parts = [joinable(word) for word in words]
    joined = list(dict.fromkeys(first + parts[at] for first, at in joined_neighbours(parts)[:MAX_PAIRS]))
    if vocabulary is None:
        return WordForms(joined)
    pairs = {_joined(word): word for word in words if "-" in word}
    pairs |= {_joined(first + second): f"{first} {second}" for first, second in pairwise(words) if first and second}
    known = {word: pair for word, pair in islice(pairs.items(), MAX_PAIRS) if vocabulary.has_word(word)}
    written = {pair: word for word, pair in known.items()}
    absent = islice((word for word in pairs if word not in known), MAX_PAIRS)
    return WordForms(joined, written, _inflected(text, words, vocabulary), tuple(map(query_terms, absent)))


def _joined(words: str) -> str:
    return words.replace("-", "").replace(".", "")


def _inflected(text: str, words: Sequence[str], vocabulary: Vocabulary) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for spelt in spelt_with_e(text):
        if vocabulary.has_word(spelt):
            found[spelt.replace("ae", "a").replace("oe", "o").replace("ue", "u")] = [spelt]
    if vocabulary.classes:
        for word in list(dict.fromkeys(filter(None, words)))[:MAX_EXPANDED]:
            own = query_terms(word)
            if forms := [form for form in vocabulary.classes.forms(word) if query_terms(form) != own]:
                found[word] = list(dict.fromkeys([*found.get(word, ()), *forms]))
    return found
