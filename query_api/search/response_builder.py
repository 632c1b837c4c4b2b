"""From ranked results to a response: one page of hits, facets, how the query was understood, what was left out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from encoders.speech.port import Transcript
from encoders.tracing.spans import traced
from query_api.cards.card_table import AnswerCards
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import Explanation, Hit, SearchResponse, Understood
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.search.facets.counting import Candidates, FacetCounter, FacetCounts
from query_api.search.impression_log import ImpressionLog
from query_api.search.learnt_ranking import Asked, LearntRanking
from query_api.search.query_log import log_query
from query_api.search.ranking import RankedCandidate, Ranking, collapse_variants, sort_candidates
from query_api.search.results import RankedResults, Reason
from query_api.search.score_parts import ScoreExplainer
from query_api.understanding.parser import ParsedQuery

_NO_RETRIEVAL = RetrievalQuery(None, None)


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """Which generation of the index answers, and how old it is."""

    generation: str
    age_ms: Callable[[], int | None]
    """How long the oldest event that is not yet searchable has waited, in ms; None: not known just now."""


class ResponseBuilder:
    """The last stage of a search."""

    def __init__(
        self,
        facets: FacetCounter,
        scores: ScoreExplainer,
        index: IndexStatus,
        learnt: LearntRanking,
        impressions: ImpressionLog,
    ) -> None:
        self._facets = facets
        self._scores = scores
        self._index = index
        self._learnt = learnt
        self._impressions = impressions

    async def build(self, results: RankedResults, started_s: float) -> SearchResponse:
        """The response alone of `build_shown`."""
        return (await self.build_shown(results, started_s))[0]

    @traced("answer")
    async def build_shown(self, results: RankedResults, started_s: float) -> tuple[SearchResponse, bytes]:
        """Sort, collapse and page results, explain them where that was asked for, log the query, remember the hits.

        Args:
            started_s: when the query came, by `time.perf_counter`.

        Returns:
            The response, and what it showed as it is remembered; empty: it is not.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        request = results.request
        ordered = sort_candidates(results.ranked, request.sort, results.cards)
        shown = collapse_variants(ordered, results.cards) if request.group else ordered
        page = await _page(shown, results)
        retrieval = results.retrieval or _NO_RETRIEVAL
        explanations = await self._scores.explain(retrieval, page) if request.explain else {}
        hits = [to_hit(hit, results.cards, explanations.get(hit.candidate.product_id)) for hit in page]
        if results.reasons_of is not None:
            reasons = await results.reasons_of([hit.product_id for hit in hits])
            hits = [_with_reason(hit, reasons.get(hit.product_id)) for hit in hits]
        nearest = await _nearest(results)
        has_facets = request.facets or request.facet_ranges
        facets = await self._count_facets(results, ordered, retrieval) if has_facets else None
        response = SearchResponse(
            query_id=secrets.token_hex(8),
            hits=hits,
            total=len(ordered) + results.unretrieved_count,
            nearest=nearest or UNSET,
            groups=len(shown) if request.group else UNSET,
            took_ms=round((time.perf_counter() - started_s) * 1000, 2),
            cache=results.cache_state,
            degraded=list(results.degraded),  # pyright: ignore[reportArgumentType]
            generation=self._index.generation,
            index_age_ms=self._index.age_ms(),
            facets=facets.by_field if facets else UNSET,  # pyright: ignore[reportArgumentType]
            approximate=True if _is_approximate(results, facets) else UNSET,
            **(_understood_fields(results.parsed, request, results.transcript) if results.parsed else {}),
        )
        log_query(
            request,
            response.query_id,
            response.took_ms,
            response.cache,
            len(hits),
            response.total,
            response.degraded,
            self._learnt.variant_label(request.user_id),
        )
        shown = await self._shown(results, page)
        self._impressions.note(request, response.query_id, shown)
        return response, shown

    async def _shown(self, results: RankedResults, page: Sequence[RankedCandidate]) -> bytes:
        if not self._impressions.is_on:
            return b""
        asked = Asked(results.first, profile=results.profile, user_id=results.request.user_id)
        return await self._learnt.shown(
            results.ranked, [hit.candidate.product_id for hit in page], asked, results.cards
        )

    async def _count_facets(self, results: RankedResults, ordered: Ranking, retrieval: RetrievalQuery) -> FacetCounts:
        candidates = Candidates(ordered.ids, results.unretrieved_count)
        return await self._facets.count(
            results.request, retrieval, candidates, results.cards, results.floor, results.across, results.kinds
        )


async def _page(shown: Ranking, results: RankedResults) -> list[RankedCandidate]:
    """The requested page, less products that have gone since they were found."""
    page = shown[results.request.offset : results.request.offset + results.request.k]
    gone = await results.cards.load(page.ids)
    return [hit for hit in page if hit.candidate.product_id not in gone]


async def _nearest(results: RankedResults) -> list[Hit]:
    """What comes nearest where nothing matches."""
    if results.nearest is None:
        return []
    gone = await results.cards.load(results.nearest.ids)
    return [to_hit(hit, results.cards) for hit in results.nearest if hit.candidate.product_id not in gone]


def _is_approximate(results: RankedResults, facets: FacetCounts | None) -> bool:
    """Whether more products match than the numbers of the response were made from."""
    is_counted = not results.is_truncated or (results.unretrieved_count > 0 and not results.request.group)
    return not is_counted or (facets is not None and not facets.is_complete)


def to_hit(hit: RankedCandidate, cards: AnswerCards, explanation: Explanation | None = None) -> Hit:
    """A candidate as it is shown; its card is among those."""
    product_id = hit.candidate.product_id
    payload = cards.payload(product_id)
    return Hit(
        product_id=product_id,
        score=explanation.score if explanation else hit.score,
        title=payload.title,
        price=payload.price,
        currency=payload.currency,
        brand=payload.brand,
        category=payload.category,
        image_url=payload.image_url,
        in_stock=payload.in_stock,
        rating=payload.rating,
        suggested=payload.suggested or UNSET,
        explanation=explanation or UNSET,
    )


def _with_reason(hit: Hit, reason: Reason | None) -> Hit:
    if reason is None:
        return hit
    return msgspec.structs.replace(hit, reason=reason.text, because=reason.because or UNSET)


def _understood_fields(parsed: ParsedQuery, request: SearchRequest, transcript: Transcript | None) -> dict[str, Any]:
    """The fields of a response that say how texts were understood; none where they were taken as they are."""
    fields: dict[str, Any] = {}
    if parsed.did_you_mean is not None:
        fields |= {"did_you_mean": parsed.did_you_mean, "corrected": request.correct}
    if parsed.understands_more or transcript:
        fields["understood"] = _understood(parsed, request, transcript)
    return fields


def _understood(parsed: ParsedQuery, request: SearchRequest, transcript: Transcript | None) -> Understood:
    price, looked_for = parsed.price, {**parsed.word_forms, **parsed.synonyms}
    return Understood(
        price=dict(price.bounds) if price else {},  # pyright: ignore[reportArgumentType]
        phrase=price.phrase if price else None,
        currency=price.currency if price else None,
        price_applied=price is None or "price" not in request.filters,
        excluded=[*parsed.excluded_terms, *parsed.negated_terms],
        synonyms={entry: list(expansions) for entry, expansions in looked_for.items()},
        speech=transcript.text if transcript else None,
        speech_alternatives=list(transcript.alternatives) if transcript else [],
        speech_problem=(transcript.problem or None) if transcript else None,
        recogniser=(transcript.recogniser or None) if transcript else None,
    )
