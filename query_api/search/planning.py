"""What a search looks for: its inputs understood, weighed and put into the terms of retrieval and ranking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from encoders.spec import PartWeights
from encoders.tracing.spans import traced
from indexer.criteria import Filters, Range, SortOrder, WithoutWords
from query_api.config import QueryConfig
from query_api.contract.requests import SearchRequest, Sort
from query_api.embedding.query_vectors import PartKind, QueryPart, part_weights
from query_api.embedding.text_trust import TextTrust, scale_by_trust
from query_api.errors import InvalidRequest
from query_api.relevance.similarity_floors import FloorTerms, SimilarityFloors
from query_api.search.inputs import QueryInputs
from query_api.search.ranking import RankWeights
from query_api.search.search_plan import SearchPlan
from query_api.understanding.parser import ParsedQuery, QueryParser

EXCLUDED_TERM_WEIGHT = -0.25
"""How far the query vector is moved away from each term that a text excludes. Its products are left out anyway, so this
just keeps what is alike from coming up in their place; the usual range is 0.15 to 0.25 (Manning, Raghavan and Schütze,
2008, "Introduction to Information Retrieval", ch. 9)."""
MAX_EXCLUDED_TERMS = 16
FIRST_PAGES_LIMIT = 1_000
"""How many products a browse fetches where just one of the first pages is wanted."""
BROWSE_ORDERS: Mapping[Sort, SortOrder] = {
    "price": SortOrder("price"),
    "-price": SortOrder("price", descending=True),
    "newest": SortOrder("created_at", descending=True),
}
"""The order of the products where there is no query; by relevance they are all equal, and come by id."""


class SearchPlanner:
    """The second stage of a search."""

    def __init__(
        self,
        config: QueryConfig,
        parser: QueryParser,
        text_trust: TextTrust,
        floors: SimilarityFloors,
        *,
        has_full_text: bool,
    ) -> None:
        """Args: has_full_text: whether the index finds products by words."""
        self._has_full_text = has_full_text
        self._config = config
        self._parser = parser
        self._text_trust = text_trust
        self._floors = floors

    @property
    def versions(self) -> tuple[int, ...]:
        """Others than before where the same request may be planned otherwise, whatever words it has."""
        return (*self._parser.versions, self._text_trust.version, self._floors.version)

    @property
    def word_count(self) -> int:
        """Another one than before where requests with unknown words may be planned otherwise."""
        return self._parser.word_count

    def has_any_term(self, terms: Iterable[str]) -> bool:
        """Whether the catalogue has a word with one of these terms by now."""
        return self._parser.has_any_term(terms)

    @traced("plan")
    async def plan(self, inputs: QueryInputs) -> SearchPlan:
        """Understand and weigh what a request searches with.

        Raises:
            InvalidRequest: it excludes too many terms, or says only what to leave out.
        """
        request = inputs.request
        parsed = await self._parse(inputs)
        parts = _understood_parts(inputs.parts, parsed)
        _check(request, parsed, parts)
        weights = self._part_weights(request, parts, parsed)
        embeds = request.mode != "lexical" and (weights.text > 0 or weights.image > 0)
        rank_weights = self.rank_weights(request)
        is_lexical = request.mode == "lexical" or (request.mode == "hybrid" and rank_weights.lexical > 0)
        words = parsed.lexical_text if is_lexical else None
        lexical_text = words if self._has_full_text else None
        left_out = not self._has_full_text and (words is not None or bool(parsed.excluded_terms))
        is_unheard = inputs.transcript is not None and not inputs.parts
        return SearchPlan(
            request,
            _parts_to_embed(parts, parsed) if embeds else (),
            weights,
            lexical_text,
            (*inputs.filters, *_price_filters(request, parsed), *(_exclusions(parsed) if self._has_full_text else ())),
            BROWSE_ORDERS.get(request.sort),
            browse_limit(request, self._config),
            rank_weights,
            frozenset(str(part.content) for part in inputs.parts if part.kind == "product_id"),
            parsed,
            self._floor_terms(request, parts, parsed, weights, lexical_text) if embeds and parts else None,
            self._floors.words_implied if embeds and lexical_text and _is_text(parts) else 0.0,
            _unwanted(parsed) if self._has_full_text else None,
            inputs.transcript,
            is_lexical_left_out=left_out,
            finds_nothing=is_unheard or (words is not None and lexical_text is None and not (embeds and parts)),
        )

    async def _parse(self, inputs: QueryInputs) -> ParsedQuery:
        """The texts to look for, in their order, parsed; the last is what a spoken query said, where there is one."""
        texts = [str(part.content) for part in inputs.parts if _is_parsed(part)]
        return await self._parser.parse(
            texts,
            correct=inputs.request.correct,
            price_phrases=inputs.request.price_phrases,
            exclusion_phrases=inputs.request.exclusion_phrases,
            alternatives=inputs.transcript.alternatives if inputs.transcript else (),
        )

    def _part_weights(self, request: SearchRequest, parts: Sequence[QueryPart], parsed: ParsedQuery) -> PartWeights:
        kinds: set[PartKind] = {part.kind for part in parts if part.weight > 0}
        weights = part_weights(self._config, request.weights, kinds)
        if request.mode != "hybrid" or not _is_text(parts):
            return weights
        return scale_by_trust(weights, request.weights, self._text_trust.factor_for(" ".join(parsed.texts)))

    def _floor_terms(
        self,
        request: SearchRequest,
        parts: Sequence[QueryPart],
        parsed: ParsedQuery,
        weights: PartWeights,
        lexical_text: str | None,
    ) -> FloorTerms | None:
        strictness = self._config.floor if request.floor is None else request.floor
        has_media = any(part.kind != "text" and part.weight > 0 for part in parts)
        return FloorTerms(strictness, parsed.asked_text, lexical_text, weights, has_media) if strictness else None

    def rank_weights(self, request: SearchRequest) -> RankWeights:
        """What counts at ranking: what the request says, or else the configuration."""
        own, config = request.weights, self._config
        lexical = 1.0 if request.mode == "lexical" else config.lexical
        return RankWeights(
            lexical if own.lexical is None else own.lexical,
            config.personal if own.personal is None else own.personal,
        )


def browse_limit(request: SearchRequest, config: QueryConfig) -> int:
    """How many products are fetched where there is no query: one of few numbers, so that pages share a cache entry."""
    last = request.offset + request.k
    shallow = min(FIRST_PAGES_LIMIT, config.browse_candidates)
    # Facets, groups and a shopper's taste are the better the more is seen.
    if last <= shallow and not (request.facets or request.group or request.user_id):
        return shallow
    return max(config.browse_candidates, last)


def _is_parsed(part: QueryPart) -> bool:
    """Whether a part is a text to look for: those to look away from are taken as they are."""
    return part.kind == "text" and part.weight > 0 and part.content != ""


def _is_text(parts: Sequence[QueryPart]) -> bool:
    """Whether what is looked for is said in words alone."""
    return {part.kind for part in parts if part.weight > 0} == {"text"}


def _understood_parts(parts: Sequence[QueryPart], parsed: ParsedQuery) -> list[QueryPart]:
    """Parts with their texts as they were understood, without those of which nothing is left; a clip always stays."""
    texts = iter(parsed.texts)
    understood = [QueryPart("text", next(texts), part.weight) if _is_parsed(part) else part for part in parts]
    return [part for part in understood if part.content or part.kind == "video"]


def _price_filters(request: SearchRequest, parsed: ParsedQuery) -> Filters:
    """The price that the words of a request say; a filter of its own wins over it."""
    return (Range("price", **parsed.price.bounds),) if parsed.price and "price" not in request.filters else ()


def _exclusions(parsed: ParsedQuery) -> Filters:
    """What the words of a request leave out."""
    return (WithoutWords(tuple(sorted(parsed.excluded_terms))),) if parsed.excluded_terms else ()


def _unwanted(parsed: ParsedQuery) -> WithoutWords | None:
    """What puts products last, where the words of a request say that it is not wanted."""
    forms = parsed.unwanted_forms
    return WithoutWords(tuple(sorted(forms)), spares_denials=True) if forms else None


def _parts_to_embed(parts: Sequence[QueryPart], parsed: ParsedQuery) -> tuple[QueryPart, ...]:
    """What the query vector is made of: all parts, and away from them the terms that the texts exclude."""
    if not any(part.weight > 0 for part in parts):
        return tuple(parts)
    away = (*parsed.excluded_terms, *parsed.negated_terms)
    return (*parts, *(QueryPart("text", term, EXCLUDED_TERM_WEIGHT) for term in away))


def _check(request: SearchRequest, parsed: ParsedQuery, parts: Sequence[QueryPart]) -> None:
    count = len(parsed.excluded_terms) + len(parsed.negated_terms)
    if count > MAX_EXCLUDED_TERMS:
        raise InvalidRequest("text", f"text: {count} excluded terms, at most {MAX_EXCLUDED_TERMS}")
    looks_for = any(part.weight > 0 for part in parts) or request.filters or parsed.price
    if (parsed.excluded_terms or parts) and not looks_for:
        field = "text" if parsed.excluded_terms else "parts"
        raise InvalidRequest(field, f"{field}: says only what to leave out; add what to look for, or a filter")
