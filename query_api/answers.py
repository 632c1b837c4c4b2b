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
from indexer.cards import Card
from query_api import metrics
from query_api.candidates import CacheState
from query_api.explaining.scores import explain_hits
from query_api.faceting import FacetCounter, Facets
from query_api.personal import Taste
from query_api.ranking import Cards, Ranked, RankWeights, collapse, reorder
from query_api.requests import SearchRequest
from query_api.responses import Explanation, Hit, SearchResponse
from query_api.retrieval import Depth, Retrieval
from query_api.services import Services
from query_api.understanding.reader import Reading
from query_api.understanding.telling import told

log = logging.getLogger(__name__)

_ASKED_WITH = ("text", "image", "audio", "video", "product_id", "parts", "user_id")


@dataclass(slots=True)
class Answer:
    """What a query came to, before it is worded."""

    request: SearchRequest
    ranked: list[Ranked]
    """All candidates, by relevance."""
    cards: Cards
    vector: FloatArray | None
    """Query vector (2·dim,), where there is one."""
    cut: bool
    """Whether products that match were not looked at."""
    unseen: int = 0
    """How many those are, where they were counted."""
    retrieval: Retrieval | None = None
    """What was searched for, with its vector; None: no search, but a recommendation."""
    weights: RankWeights | None = None
    taste: Taste | None = None
    ranker: Mapping[str, float] = field(default_factory=dict)
    """What a ranker adds to the scores of the best, by product id."""
    """What the candidates were ranked by."""
    reading: Reading | None = None
    """How the texts were understood."""
    heard: Transcript | None = None
    """What a spoken query said."""
    cache: CacheState = "bypass"
    degraded: list[str] = field(default_factory=list)
    started_s: float = field(default_factory=time.perf_counter)


class Responder:
    """Words answers."""

    def __init__(self, services: Services) -> None:
        self._services = services
        depth = Depth(services.config.candidates, services.config.browse_candidates)
        self._counter = FacetCounter(services.store, depth)

    async def respond(self, answer: Answer) -> SearchResponse:
        """Sort, collapse and page an answer, explain it where that was asked for, and log it."""
        request, cards = answer.request, answer.cards
        ordered = reorder(answer.ranked, request.sort, cards)
        shown = collapse(ordered, cards) if request.group else ordered
        page = shown[request.offset : request.offset + request.k]
        retrieval = answer.retrieval or Retrieval(answer.vector, None)
        explained = await explain_hits(self._services, retrieval, page) if request.explain else {}
        hits = [_hit(one, answer, explained.get(one.scored.product_id)) for one in page]
        facets = await self._facets(answer, ordered, retrieval)
        response = SearchResponse(
            query_id=secrets.token_hex(8),
            hits=hits,
            total=len(ordered) + answer.unseen,
            groups=len(shown) if request.group else UNSET,
            took_ms=round((time.perf_counter() - answer.started_s) * 1000, 2),
            cache=answer.cache,
            degraded=answer.degraded,  # pyright: ignore[reportArgumentType]
            generation=self._services.generation,
            index_age_ms=self._services.freshness(),
            facets=facets.counts if facets else UNSET,  # pyright: ignore[reportArgumentType]
            approximate=True if _is_approximate(answer, facets) else UNSET,
            **(told(answer.reading, request, answer.heard) if answer.reading else {}),
        )
        _record(response, request)
        return response

    async def _facets(self, answer: Answer, ordered: Sequence[Ranked], retrieval: Retrieval) -> Facets | None:
        if not (answer.request.facets or answer.request.facet_ranges):
            return None
        cards = [answer.cards(one.scored) for one in ordered]
        return await self._counter.count(answer.request, retrieval, cards, answer.unseen)


def _is_approximate(answer: Answer, facets: Facets | None) -> bool:
    """Whether more products match than the numbers of the answer were made from."""
    is_counted = not answer.cut or (answer.unseen > 0 and not answer.request.group)
    return not is_counted or (facets is not None and not facets.complete)


def _hit(one: Ranked, answer: Answer, explanation: Explanation | None) -> Hit:
    return Hit(
        product_id=one.scored.product_id,
        score=explanation.score if explanation else one.score,
        explanation=explanation or UNSET,
        suggested=answer.cards(one.scored).suggested or UNSET,
        **_shown(answer.cards(one.scored)),
    )


def _shown(card: Card) -> dict[str, Any]:
    names = ("title", "price", "currency", "brand", "category", "image_url", "in_stock", "rating")
    return {name: getattr(card, name) for name in names}


def _record(response: SearchResponse, request: SearchRequest) -> None:
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
            "asked_with": [name for name in _ASKED_WITH if getattr(request, name)],
        },
    )
