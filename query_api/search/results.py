"""The ranked candidates of a search, before they are worded. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from encoders.speech.port import Transcript
from query_api.cache.live_entry import LiveEntry
from query_api.contract.requests import SearchRequest
from query_api.personalisation.shopper_profiles import ShopperProfile
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.search.candidate_finder import CacheState, RetrievedCandidates
from query_api.search.planning import SearchPlan
from query_api.search.ranking import RankedCandidate, Scoring, rank_candidates
from query_api.understanding.parser import ParsedQuery


@dataclass(frozen=True, slots=True)
class RankedResults:
    """What a query came to."""

    request: SearchRequest
    ranked: Sequence[RankedCandidate]
    """All candidates, by relevance."""
    retrieval: RetrievalQuery | None
    """What was searched for, with its vector; None: nothing, as no word of a spoken query was understood."""
    scoring: Scoring | None
    """What the candidates were ranked by; None: not by scores."""
    is_truncated: bool = False
    """Whether products that match were not retrieved."""
    unretrieved_count: int = 0
    """How many those are, where they were counted."""
    parsed: ParsedQuery | None = None
    """How the texts were understood; None: there could be none."""
    transcript: Transcript | None = None
    """What a spoken query said."""
    cache_state: CacheState = "bypass"
    degraded: tuple[str, ...] = ()
    """What was left out because a server did not answer, in the order of the stages."""
    entry: LiveEntry | None = None
    """Where the candidates are kept in this process; None: nowhere."""


def rank_retrieved(plan: SearchPlan, retrieved: RetrievedCandidates, profile: ShopperProfile) -> RankedResults:
    """Rank the candidates of a search, the products that it searches with left out."""
    candidates, known = retrieved.candidates, plan.query_product_ids
    items = candidates.items
    if known:
        items = [candidate for candidate in items if candidate.product_id not in known]
    scoring = Scoring(plan.rank_weights, profile.taste)
    return RankedResults(
        request=plan.request,
        ranked=rank_candidates(items, scoring),
        retrieval=plan.retrieval_query(retrieved.query_vector),
        scoring=scoring,
        is_truncated=candidates.is_truncated,
        unretrieved_count=candidates.unretrieved_count,
        parsed=plan.parsed,
        transcript=plan.transcript,
        cache_state=retrieved.cache_state,
        degraded=(*retrieved.degraded, *profile.degraded, *_unheard(plan)),
        entry=retrieved.entry,
    )


def nothing_understood(plan: SearchPlan) -> RankedResults:
    """No results: showing every product would be the answer to another question."""
    return RankedResults(
        plan.request, (), None, None, parsed=plan.parsed, transcript=plan.transcript, degraded=_unheard(plan)
    )


def _unheard(plan: SearchPlan) -> tuple[str, ...]:
    return ("audio",) if plan.transcript and plan.transcript.problem else ()
