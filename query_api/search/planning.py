"""What the candidates of a search depend on, read from a request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from encoders.spec import FloatArray, PartWeights
from encoders.speech.port import Transcript
from indexer.criteria import AnyOf, Filters, Range, SortOrder, WithoutWords
from indexer.errors import InvalidFilter
from indexer.filter_parsing import parse_filters
from query_api.cache.candidate_cache import candidate_key
from query_api.contract.requests import MAX_TEXT, Part, SearchRequest
from query_api.contract.text import normalise_text
from query_api.embedding.query_vectors import PartKind, QueryEmbedder, QueryPart, part_key, part_weights
from query_api.embedding.text_trust import scale_by_trust
from query_api.errors import InvalidRequest
from query_api.ports import QueryPorts
from query_api.retrieval.hybrid_search import RetrievalQuery
from query_api.search.browsing import browse_limit, browse_order
from query_api.understanding.number_words import normalise_transcript
from query_api.understanding.parser import ParsedQuery, QueryParser
from query_api.understanding.transcription import SpeechTranscriber

EXCLUDED_TERM_WEIGHT = -0.25
"""How far the query vector is moved away from each term that a text excludes. Its products are left out anyway, so this
just keeps what is alike from coming up in their place; the usual range is 0.15 to 0.25 (Manning, Raghavan and Schütze,
2008, "Introduction to Information Retrieval", ch. 9)."""
MAX_EXCLUDED_TERMS = 16


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """What the candidates of a search depend on, and how its texts were understood."""

    embedded_parts: tuple[QueryPart, ...]
    """What the query vector is made of; nothing: there is none."""
    part_weights: PartWeights
    lexical_text: str | None
    filters: Filters
    browse_order: SortOrder | None
    browse_limit: int
    """With no query: which products are looked at, and how many."""
    parsed: ParsedQuery
    transcript: Transcript | None = None
    """What a spoken query said."""
    is_not_understood: bool = False
    """There was a query, but nothing of it was understood."""

    @property
    def is_browse(self) -> bool:
        """Whether there is no query."""
        return not self.embedded_parts and self.lexical_text is None

    def retrieval_query(self, vector: FloatArray | None) -> RetrievalQuery:
        """What to look for, with its vector or before that is made."""
        return RetrievalQuery(vector, self.lexical_text, self.filters, self.browse_order, self.browse_limit)

    def cache_key(self, generation: str, encoder: str) -> str:
        """The key of the candidates in the cache."""
        return candidate_key(
            generation,
            encoder,
            [part_key(part) for part in self.embedded_parts],
            [self.part_weights.text, self.part_weights.image] if self.embedded_parts else None,
            self.lexical_text,
            canonical_filters(self.filters),
            self.browse_order if self.is_browse else None,
        )


class SearchPlanner:
    """Reads requests."""

    def __init__(self, services: QueryPorts, vectors: QueryEmbedder, reader: QueryParser) -> None:
        self._config = services.config
        self._embedder = vectors
        self._parser = reader
        self._transcriber = SpeechTranscriber(services)

    async def plan(self, request: SearchRequest) -> SearchPlan:
        """Read a request. Raises `InvalidRequest` naming what cannot be searched with."""
        filters = read_filters(request.filters)
        heard = await self._transcribe(request)
        given = [*request.all_parts, *([Part(text=heard.text)] if heard and heard.text else [])]
        texts = [part.text for part in given if part.text and part.weight > 0]
        reading = await self._parser.parse(
            texts,
            correct=request.correct,
            price_phrases=request.price_phrases,
            alternatives=heard.alternatives if heard else (),
        )
        parts = [*await self._parts(given, reading), *await self._clip_parts(request)]
        _check(request, reading, parts)
        weights = self._weights(request, parts, reading)
        embeds = request.mode != "lexical" and (weights.text > 0 or weights.image > 0)
        return SearchPlan(
            _parts_to_embed(parts, reading) if embeds else (),
            weights,
            reading.lexical_text if self._compares_words(request) else None,
            (*filters, *_parsed_filters(request, reading)),
            browse_order(request.sort),
            browse_limit(request, self._config),
            reading,
            heard,
            is_not_understood=heard is not None and not given and not parts,
        )

    def _weights(self, request: SearchRequest, parts: Sequence[QueryPart], reading: ParsedQuery) -> PartWeights:
        kinds: set[PartKind] = {part.kind for part in parts if part.weight > 0}
        weights = part_weights(self._config, request.weights, kinds)
        if request.mode != "hybrid" or kinds != {"text"}:
            return weights
        return scale_by_trust(weights, request.weights, self._embedder.text_trust.factor_for(" ".join(reading.texts)))

    async def _transcribe(self, request: SearchRequest) -> Transcript | None:
        if request.audio is None:
            return None
        heard = normalise_transcript(
            await self._transcriber.transcribe(await self._embedder.load_media(request.audio, "audio"))
        )
        return msgspec.structs.replace(heard, text=normalise_text(heard.text)[:MAX_TEXT])

    async def _clip_parts(self, request: SearchRequest) -> list[QueryPart]:
        if request.video is None:
            return []
        return [QueryPart("video", await self._embedder.load_media(request.video, "video"))]

    async def _parts(self, given: Sequence[Part], reading: ParsedQuery) -> list[QueryPart]:
        """What is asked with, its texts as they were understood, without those of which nothing is left."""
        wanted = iter(reading.texts)
        parts = await asyncio.gather(
            *(self._part(part, next(wanted) if part.text and part.weight > 0 else part.text) for part in given)
        )
        return [part for part in parts if part.content]

    async def _part(self, part: Part, text: str | None) -> QueryPart:
        if part.image is not None:
            return QueryPart("image", await self._embedder.load_media(part.image), part.weight)
        if part.product_id is not None:
            return QueryPart("product_id", part.product_id, part.weight)
        return QueryPart("text", text or "", part.weight)

    def _compares_words(self, request: SearchRequest) -> bool:
        weight = request.weights.lexical
        weight = self._config.lexical if weight is None else weight
        return request.mode == "lexical" or (request.mode == "hybrid" and weight > 0)


def read_filters(raw: Mapping[str, Any]) -> Filters:
    """The filters of a request. Raises `InvalidRequest` naming the field."""
    try:
        return parse_filters(raw)
    except InvalidFilter as error:
        raise InvalidRequest(str(error).partition(":")[0], str(error)) from error


def canonical_filters(filters: Filters) -> list[bytes]:
    """Filters in one writing, whatever the order in which a request names them and their values."""
    return sorted(
        msgspec.msgpack.encode([one.field, sorted(set(one.values))] if isinstance(one, AnyOf) else one)
        for one in filters
    )


def query_product_ids(request: SearchRequest) -> set[str]:
    """The products that a request searches with: they are no results of it."""
    return {part.product_id for part in request.all_parts if part.product_id is not None}


def _parsed_filters(request: SearchRequest, reading: ParsedQuery) -> Filters:
    """The filters that the words of a request say; a price filter of its own wins over a price in words."""
    price = [Range("price", **reading.price.bounds)] if reading.price and "price" not in request.filters else []
    return (*price, *([WithoutWords(tuple(sorted(reading.excluded_terms)))] if reading.excluded_terms else []))


def _parts_to_embed(parts: Sequence[QueryPart], reading: ParsedQuery) -> tuple[QueryPart, ...]:
    """What the query vector is made of: all that is asked with, away from the terms that the texts exclude."""
    if not any(part.weight > 0 for part in parts):
        return tuple(parts)
    return (*parts, *(QueryPart("text", term, EXCLUDED_TERM_WEIGHT) for term in reading.excluded_terms))


def _check(request: SearchRequest, reading: ParsedQuery, parts: Sequence[QueryPart]) -> None:
    if len(reading.excluded_terms) > MAX_EXCLUDED_TERMS:
        raise InvalidRequest(
            "text", f"text: {len(reading.excluded_terms)} excluded terms, at most {MAX_EXCLUDED_TERMS}"
        )
    looks_for = any(part.weight > 0 for part in parts) or request.filters or reading.price
    if (reading.excluded_terms or parts) and not looks_for:
        field = "text" if reading.excluded_terms else "parts"
        raise InvalidRequest(field, f"{field}: says only what to leave out; add what to look for, or a filter")
