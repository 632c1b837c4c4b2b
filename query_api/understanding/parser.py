"""The texts of a request, parsed: what to search for, what to leave out, the price, and how they were understood."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from indexer.errors import StoreUnavailable
from indexer.ports.products import ProductStore
from indexer.text_analysis.chinese import load_dictionary_for
from indexer.text_analysis.folding import fold
from indexer.text_analysis.stemming import stem
from query_api.understanding.background_refresh import CatalogueVocabulary
from query_api.understanding.excluded_terms import split_excluded_terms
from query_api.understanding.negations import NegatedText, denials, excluded_forms, split_negations
from query_api.understanding.price_phrases import PricePhrase, parse_price
from query_api.understanding.spelling import apply_corrections, find_corrections, unknown_words
from query_api.understanding.synonyms import SynonymFile, append_synonyms
from query_api.understanding.word_forms import NO_FORMS, find_word_forms

MIN_COMPOUND_HEAD = 5
"""How long what is not wanted has to be for words that end in it to have it too: `pinstriped`, but not `orchid`."""
MAX_COMPOUNDS = 16
NEGATING_PREFIXES = ("un", "non", "no", "anti")


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What the texts of a request were understood to ask for."""

    texts: tuple[str, ...]
    """What encoders get: each text without excluded terms, phrases and prices; empty where nothing is left."""
    lexical_text: str | None
    """What lexical search looks for: all texts, with synonyms, other forms and alternatives; None: no word is left."""
    asked_text: str = ""
    """The words of the texts alone, as often as the lexical text has them."""
    word_forms: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """What was added to the lexical text as other forms of what the texts say, by what they say."""
    absent_terms: tuple[str, ...] = ()
    """Terms of what would be among these forms if the catalogue had it."""
    excluded_terms: tuple[str, ...] = ()
    """`-word`."""
    negated_terms: tuple[str, ...] = ()
    """`without word`, and what else says so in words."""
    unwanted_forms: tuple[str, ...] = ()
    """These, with the words of the catalogue that say it in other forms and in compounds."""
    price: PricePhrase | None = None
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """What was added to the lexical text, by the entry of the synonyms that it has."""
    did_you_mean: str | None = None
    """The texts as they were given, but for misspelt words, which are corrected; None: there are none."""
    depends_on: Literal["", "vocabulary", "catalogue"] = ""
    """What may make its words be understood otherwise: another word in the vocabulary, as it does not have all of
    them; or any product with one of them, as they look misspelt. Empty: all words are known."""

    @property
    def understands_more(self) -> bool:
        """Whether its words were taken for more than words, or for other words too."""
        return bool(self.price or self.excluded_terms or self.negated_terms or self.synonyms or self.word_forms)


@dataclass(frozen=True, slots=True)
class _ParsedText:
    """One text."""

    original: str
    text: str
    """Without excluded terms and the price."""
    negated: NegatedText
    """Likewise, without what it says not to want."""
    excluded_terms: tuple[str, ...]
    price: PricePhrase | None


class QueryParser:
    """Parses the texts of requests by the words of the catalogue and the merchant's synonyms."""

    def __init__(self, store: ProductStore, vocabulary: CatalogueVocabulary, synonyms: SynonymFile) -> None:
        """Args: vocabulary, synonyms: as they are at each query; who makes the parser keeps them fresh."""
        self._store = store
        self._vocabulary = vocabulary
        self._synonyms = synonyms

    async def parse(
        self,
        texts: Sequence[str],
        *,
        correct: bool = True,
        price_phrases: bool = True,
        exclusion_phrases: bool = True,
        alternatives: Sequence[str] = (),
    ) -> ParsedQuery:
        """Parse normalised texts. Words are not corrected while the store does not answer; it raises nothing.

        Args:
            texts: what is asked for in words.
            correct: whether to search for the corrected words in place of misspelt ones; False: they are only named.
            price_phrases: whether to take prices out of the texts; of several the first counts.
            exclusion_phrases: whether to take out what the texts say in words that they do not want.
            alternatives: other transcripts of the last text, if it was spoken. Lexical search looks for them too, and
                for the last text once more, so that a word counts by how many transcripts have it.
        """
        await load_dictionary_for(texts)
        parsed = [_parse_text(text, price_phrases, exclusion_phrases) for text in texts]
        corrections, depends_on = await self._corrections([text.text for text in parsed])
        applied = corrections if correct else {}
        kept = [apply_corrections(text.text, applied) for text in parsed]
        wanted = [apply_corrections(text.negated.text, applied) for text in parsed]
        words, asked = " ".join(filter(None, kept)), " ".join(filter(None, wanted))
        transcripts = (kept[-1], *alternatives) if kept and alternatives else ()
        negated = tuple(dict.fromkeys(term for text in parsed for term in text.negated.excluded))
        synonyms = self._synonyms.synonyms.expand(words) if words else {}
        # What may have been said otherwise has its own way to count words.
        forms = NO_FORMS if transcripts else find_word_forms(words, self._vocabulary.vocabulary)
        looked_for = forms.lexical_text(append_synonyms(asked, synonyms))
        unwanted = tuple(dict.fromkeys(form for term in negated for form in self._unwanted_forms(term)))
        denied = (denial for term in negated for denial in denials(term))
        return ParsedQuery(
            tuple(wanted),
            " ".join((looked_for, *denied, *transcripts)) if words else None,
            forms.asked_text(asked),
            forms.named,
            forms.absent_terms,
            tuple(dict.fromkeys(term for text in parsed for term in text.excluded_terms)),
            negated,
            unwanted,
            next((text.price for text in parsed if text.price), None),
            synonyms,
            " ".join(apply_corrections(text.original, corrections) for text in parsed) if corrections else None,
            depends_on or ("vocabulary" if self._has_classes or negated else ""),
        )

    def has_any_term(self, terms: Iterable[str]) -> bool:
        """Whether the catalogue has a word with one of these terms."""
        vocabulary = self._vocabulary.vocabulary
        return vocabulary is not None and vocabulary.has_any_term(terms)

    def _unwanted_forms(self, term: str) -> Iterator[str]:
        forms, vocabulary = excluded_forms(term), self._vocabulary.vocabulary
        yield from forms
        own = {word for form in map(fold, forms) for word in (form, stem(form))}
        endings = tuple(word for word in sorted(own) if len(word) >= MIN_COMPOUND_HEAD and word.isascii())
        if vocabulary is not None and endings:
            opposites = {f"{negation}{word}" for negation in NEGATING_PREFIXES for word in endings}
            found = vocabulary.words_ending_in(endings, MAX_COMPOUNDS)
            yield from (word for word in found if word not in opposites)

    @property
    def _has_classes(self) -> bool:
        vocabulary = self._vocabulary.vocabulary
        return vocabulary is not None and bool(vocabulary.classes)

    @property
    def versions(self) -> tuple[int, ...]:
        """Others than before where texts may be understood otherwise, whatever words they have."""
        return self._vocabulary.version, self._synonyms.version

    @property
    def word_count(self) -> int:
        """How many words the vocabulary has; another number where texts with unknown words may be understood
        otherwise."""
        return len(self._vocabulary.vocabulary or ())

    async def _corrections(self, texts: Sequence[str]) -> tuple[dict[str, str], Literal["", "vocabulary", "catalogue"]]:
        """Misspelt words with their corrections; words of a synonym or of any product's description are left out.

        And what that depends on.
        """
        vocabulary = self._vocabulary.vocabulary
        if vocabulary is None or not unknown_words(texts, vocabulary):
            return {}, ""
        near_words = find_corrections(texts, vocabulary)
        looked_up = [word for word in near_words if not self._synonyms.synonyms.has_word(word)]
        known = await asyncio.gather(*(self._is_in_catalogue(word) for word in looked_up))
        corrections = {word: near_words[word] for word, is_known in zip(looked_up, known, strict=True) if not is_known}
        return corrections, "catalogue" if looked_up else "vocabulary"

    async def _is_in_catalogue(self, word: str) -> bool:
        """Whether a product has a word in any field; True where the store does not answer, or cannot tell."""
        if not self._store.has_full_text:
            return True
        try:
            return bool(await self._store.search_lexical(word, (), 1))
        except StoreUnavailable:
            return True


def _parse_text(text: str, price_phrases: bool, exclusion_phrases: bool) -> _ParsedText:
    split = split_excluded_terms(text)
    price = parse_price(split.text) if price_phrases else None
    rest = price.remaining_text if price else split.text
    negated = split_negations(rest) if exclusion_phrases else NegatedText(rest)
    return _ParsedText(text, rest, negated, split.excluded_terms, price)
