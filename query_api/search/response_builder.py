"""From ranked candidates to a response: one page of hits, facets, what was left out."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from encoders.spec import FloatArray
from encoders.speech.port import Transcript
from indexer.hit_payload import HitPayload
from query_api import metrics
from query_api.cache.cached_retrieval import CacheState
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import Explanation, Hit, SearchResponse
from query_api.personalisation.taste import Taste
from query_api.ports import QueryPorts
from query_api.retrieval.hybrid_search import RetrievalLimits, RetrievalQuery
from query_api.search.facet_counting import FacetCounter, FacetCounts
from query_api.search.ranking import PayloadReader, RankedCandidate, RankWeights, collapse_variants, sort_candidates
from query_api.search.score_parts import explain_scores
from query_api.search.understood import understood_fields
from query_api.understanding.parser import ParsedQuery

log = logging.getLogger(__name__)

_QUERY_FIELDS = ("text", "image", "audio", "video", "product_id", "parts", "user_id")


@dataclass(slots=True)
class RankedResults:
    """What a query came to, before it is worded."""

    request: SearchRequest
    ranked: list[RankedCandidate]
    """All candidates, by relevance."""
    read_payload: PayloadReader
    query_vector: FloatArray | None
    """Query vector (2·dim,), where there is one."""
    is_truncated: bool
    """Whether products that match were not looked at."""
    unretrieved_count: int = 0
    """How many those are, where they were counted."""
    retrieval: RetrievalQuery | None = None
    """What was searched for, with its vector; None: no search, but a recommendation."""
    rank_weights: RankWeights | None = None
    taste: Taste | None = None
    ranker_scores: Mapping[str, float] = field(default_factory=dict)
    """What a ranker adds to the scores of the best, by product id."""
    """What the candidates were ranked by."""
    parsed: ParsedQuery | None = None
    """How the texts were understood."""
    transcript: Transcript | None = None
    """What a spoken query said."""
    cache_state: CacheState = "bypass"
    degraded: list[str] = field(default_factory=list)
    started_s: float = field(default_factory=time.perf_counter)


class ResponseBuilder:
    """Words answers."""

    def __init__(self, services: QueryPorts) -> None:
        self._services = services
        depth = RetrievalLimits(services.config.candidates, services.config.browse_candidates)
        self._facet_counter = FacetCounter(services.store, depth)

    async def build(self, answer: RankedResults) -> SearchResponse:
        """Sort, collapse and page an answer, explain it where that was asked for, and log it."""
        request, cards = answer.request, answer.read_payload
        ordered = sort_candidates(answer.ranked, request.sort, cards)
        shown = collapse_variants(ordered, cards) if request.group else ordered
        page = shown[request.offset : request.offset + request.k]
        retrieval = answer.retrieval or RetrievalQuery(answer.query_vector, None)
        explained = await explain_scores(self._services, retrieval, page) if request.explain else {}
        hits = [_to_hit(one, answer, explained.get(one.candidate.product_id)) for one in page]
        facets = await self._count_facets(answer, ordered, retrieval)
        response = SearchResponse(
            query_id=secrets.token_hex(8),
            hits=hits,
            total=len(ordered) + answer.unretrieved_count,
            groups=len(shown) if request.group else UNSET,
            took_ms=round((time.perf_counter() - answer.started_s) * 1000, 2),
            cache=answer.cache_state,
            degraded=answer.degraded,  # pyright: ignore[reportArgumentType]
            generation=self._services.generation,
            index_age_ms=self._services.index_age_ms(),
            facets=facets.by_field if facets else UNSET,  # pyright: ignore[reportArgumentType]
            approximate=True if _is_approximate(answer, facets) else UNSET,
            **(understood_fields(answer.parsed, request, answer.transcript) if answer.parsed else {}),
        )
        _log_query(response, request)
        return response

    async def _count_facets(
        self, answer: RankedResults, ordered: Sequence[RankedCandidate], retrieval: RetrievalQuery
    ) -> FacetCounts | None:
        if not (answer.request.facets or answer.request.facet_ranges):
            return None
        cards = [answer.read_payload(one.candidate) for one in ordered]
        return await self._facet_counter.count(answer.request, retrieval, cards, answer.unretrieved_count)


def _is_approximate(answer: RankedResults, facets: FacetCounts | None) -> bool:
    """Whether more products match than the numbers of the answer were made from."""
    is_counted = not answer.is_truncated or (answer.unretrieved_count > 0 and not answer.request.group)
    return not is_counted or (facets is not None and not facets.is_complete)


def _to_hit(one: RankedCandidate, answer: RankedResults, explanation: Explanation | None) -> Hit:
    return Hit(
        product_id=one.candidate.product_id,
        score=explanation.score if explanation else one.score,
        explanation=explanation or UNSET,
        suggested=answer.read_payload(one.candidate).suggested or UNSET,
        **_shown_fields(answer.read_payload(one.candidate)),
    )


def _shown_fields(card: HitPayload) -> dict[str, Any]:
    names = ("title", "price", "currency", "brand", "category", "image_url", "in_stock", "rating")
    return {name: getattr(card, name) for name in names}


def _log_query(response: SearchResponse, request: SearchRequest) -> None:
    """One line a query, which tells neither what was asked nor by whom."""
    metrics.QUERIES.labels(response.cache).inc()
    for part in response.degraded:
        metrics.DEGRADED.labels(part).inc()
    log.info(
        "query_answered",
        extra={
            "query_id": response.query_id,
            "took_ms": response.took_ms,
            "cache": response.cache,
            "hits": len(response.hits),
            "total": response.total,
            "degraded": response.degraded,
            "mode": request.mode,
            "asked_with": [name for name in _QUERY_FIELDS if getattr(request, name)],
        },
    )
