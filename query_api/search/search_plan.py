"""What a search looks for and how it is ranked, as a plan that candidates are kept under. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from encoders.spec import FloatArray, PartWeights
from encoders.speech.port import Transcript
from indexer.criteria import AnyOf, Filters, SortOrder, WithoutWords
from indexer.text_analysis.chinese import has_chinese
from query_api.cache.candidate_cache import candidate_key
from query_api.contract.requests import SearchRequest
from query_api.embedding.query_vectors import VISUAL_KINDS, QueryPart, part_key
from query_api.relevance.similarity_floors import FloorTerms
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.search.ranking import RankWeights
from query_api.understanding.parser import ParsedQuery


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """What a search looks for and how its candidates are ranked, with how its texts were understood."""

    request: SearchRequest
    parts_to_embed: tuple[QueryPart, ...]
    """What the query vector is made of; nothing: there is none."""
    part_weights: PartWeights
    lexical_text: str | None
    """Words for lexical search; None: there is none."""
    filters: Filters
    """Those of the request, and those that its words say."""
    browse_order: SortOrder | None
    browse_limit: int
    """With no query: which products come first, and how many are fetched."""
    rank_weights: RankWeights
    query_product_ids: frozenset[str]
    """The products that the request searches with: they are no results of it."""
    parsed: ParsedQuery
    floor: FloorTerms | None = None
    """What products have to reach; None: all candidates match."""
    words_implied: float = 0.0
    """How far nearness stands for words in listings of another language, from 0 to 1; 0: not at all."""
    unwanted: WithoutWords | None = None
    """Products with these words come last."""
    transcript: Transcript | None = None
    """What a spoken query said."""
    is_deep: bool = False
    """Whether all that match are looked for, as far as a browse goes: their order is not by relevance."""
    is_lexical_left_out: bool = False
    """Its words are not searched for or left out, as the index finds nothing by words."""
    finds_nothing: bool = False
    """There was a query, and nothing of it can be looked for: nothing that was said was understood, or there are words
    alone."""

    @property
    def is_chinese(self) -> bool:
        """Whether its words have Chinese."""
        return has_chinese(self.lexical_text or "")

    @property
    def degraded(self) -> tuple[str, ...]:
        """What of it is left out."""
        is_unheard = self.transcript is not None and self.transcript.problem
        return (*(["audio"] if is_unheard else []), *(["lexical"] if self.is_lexical_left_out else []))

    @property
    def is_browse(self) -> bool:
        """Whether there is no query."""
        return not self.parts_to_embed and self.lexical_text is None

    @property
    def looks_beyond_filters(self) -> bool:
        """Whether what its words imply, or its photo looks like, is read off what is found without its filters."""
        return bool((self.words_implied or self.has_photo) and self.filters)

    @property
    def has_photo(self) -> bool:
        """Whether it looks for what looks like a picture, and not like a product too."""
        kinds = {part.kind for part in self.parts_to_embed if part.weight > 0}
        return self.floor is not None and bool(kinds & VISUAL_KINDS) and "product_id" not in kinds

    def retrieval_query(self, vector: FloatArray | None) -> RetrievalQuery:
        """What to look for, with its vector (2·dim,), or before that is made."""
        return RetrievalQuery(
            vector,
            self.lexical_text,
            self.filters,
            self.browse_order,
            self.browse_limit,
            self.unwanted,
            self.is_deep,
        )

    def cache_key(self, generation: str, encoder_key: str) -> str:
        """The key of the candidates in the cache."""
        return candidate_key(
            generation,
            encoder_key,
            [part_key(part) for part in self.parts_to_embed],
            [self.part_weights.text, self.part_weights.image] if self.parts_to_embed else None,
            self.lexical_text,
            canonical_filters(self.filters),
            self.browse_order if self.is_browse else None,
            *([["last", *self.unwanted.texts]] if self.unwanted else []),
            *(["deep"] if self.is_deep else []),
        )


def canonical_filters(filters: Filters) -> list[bytes]:
    """Filters in one writing, whatever the order in which a request names them and their values."""
    return sorted(
        msgspec.msgpack.encode(
            [criterion.field, sorted(set(criterion.values))] if isinstance(criterion, AnyOf) else criterion
        )
        for criterion in filters
    )
