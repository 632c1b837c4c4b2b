"""A request's texts read: what is looked for, what is left out, what the price may be, and how that was understood."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from indexer.errors import StoreUnavailable
from indexer.ports import ProductStore
from query_api.understanding.background_refresh import CatalogueVocabulary, SynonymFile
from query_api.understanding.excluded_terms import split_excluded_terms
from query_api.understanding.price_phrases import PricePhrase, parse_price
from query_api.understanding.spelling import apply_corrections, find_corrections
from query_api.understanding.synonyms import append_synonyms


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What texts were understood to ask for."""

    texts: tuple[str, ...]
    """Each text without what is not looked for; empty where nothing is left. Encoders see these."""
    lexical_text: str | None
    """What lexical search looks for: all of them, with synonyms."""
    excluded_terms: tuple[str, ...] = ()
    price: PricePhrase | None = None
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    did_you_mean: str | None = None
    """The texts with misspelt words corrected, otherwise as they were given."""


@dataclass(frozen=True, slots=True)
class _ParsedText:
    """One text, read by itself."""

    original: str
    text: str
    excluded_terms: tuple[str, ...]
    price: PricePhrase | None


class QueryParser:
    """Reads the texts of requests."""

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
        alternatives: Sequence[str] = (),
    ) -> ParsedQuery:
        """Read normalised texts.

        Args:
            texts: what is asked for in words.
            correct: put words of the catalogue in the place of misspelt ones; otherwise they are just named.
            price_phrases: take prices out.
            alternatives: what the last text may be in truth, if it was spoken: lexical search looks for these too, so
                that a word counts the more the more of them have it, and what was heard counts twice.
        """
        read = [_parse_text(one, price_phrases) for one in texts]
        corrections = await self._corrections([one.text for one in read])
        wanted = [apply_corrections(one.text, corrections) if corrections and correct else one.text for one in read]
        words = " ".join(one for one in wanted if one)
        spoken = (wanted[-1], *alternatives) if wanted and alternatives else ()
        synonyms = self._synonyms.synonyms.expand(words) if words else {}
        return ParsedQuery(
            tuple(wanted),
            " ".join((append_synonyms(words, synonyms), *spoken)) if words else None,
            tuple(dict.fromkeys(term for one in read for term in one.excluded_terms)),
            next((one.price for one in read if one.price), None),
            synonyms,
            " ".join(apply_corrections(one.original, corrections) for one in read) if corrections else None,
        )

    async def _corrections(self, texts: Sequence[str]) -> dict[str, str]:
        """Misspelt words with what was meant: just such as no product has, in its description neither."""
        vocabulary = self._vocabulary.vocabulary
        if vocabulary is None:
            return {}
        found = {word: near for text in texts for word, near in find_corrections(text, vocabulary).items()}
        found = {word: near for word, near in found.items() if not self._synonyms.synonyms.has_word(word)}
        occur = await asyncio.gather(*(self._is_in_catalogue(word) for word in found))
        return {word: near for (word, near), occurs in zip(found.items(), occur, strict=True) if not occurs}

    async def _is_in_catalogue(self, word: str) -> bool:
        """Whether a product has a word; where that cannot be told, it may."""
        try:
            return bool(await self._store.search_lexical(word, (), 1))
        except StoreUnavailable:
            return True


def _parse_text(text: str, price_phrases: bool) -> _ParsedText:
    split = split_excluded_terms(text)
    price = parse_price(split.text) if price_phrases else None
    return _ParsedText(text, price.remaining_text if price else split.text, split.excluded_terms, price)
