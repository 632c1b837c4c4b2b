"""Order: dense, lexical, personal and ranker scores into one, variants collapsed, sorted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from msgspec import Struct

from indexer.hit_payload import HitPayload, decode_hit_payload
from indexer.memo import Memo
from query_api.contract.requests import Sort
from query_api.personalisation.taste import NO_TASTE, Taste, taste_affinity
from query_api.retrieval.candidate_set import ScoredCandidate

MAX_DECODED_BYTES = 128 * 2**20
"""Memory for decoded payloads: some 40,000 of usual products."""
DECODED_BYTES_PER_BYTE = 10
"""What a byte of a payload's JSON takes in memory, at most, decoded and not: short strings take the most."""


@dataclass(frozen=True, slots=True)
class RankWeights:
    """What the parts that are known only at ranking count; those of the dense parts are within the query vector."""

    lexical: float
    personal: float


@dataclass(frozen=True, slots=True)
class Scoring:
    """What candidates are ranked by, beside their own scores."""

    weights: RankWeights
    taste: Taste = NO_TASTE
    ranker_scores: Mapping[str, float] = field(default_factory=dict[str, float])
    """What a ranker adds, weight included, by product id; products that it did not score are absent."""


class RankedCandidate(Struct, frozen=True, gc=False):
    """A candidate with what each part adds to its score, weights included."""

    candidate: ScoredCandidate
    lexical_part: float
    personal_part: float
    ranker_part: float
    """0 where no ranker scored it."""
    score: float
    """The sum of its parts."""


_PRODUCT_ID, _SCORE = attrgetter("candidate.product_id"), attrgetter("score")
_decoded: Memo[bytes, HitPayload] = Memo(
    decode_hit_payload, lambda payload, _: DECODED_BYTES_PER_BYTE * len(payload) + 600, MAX_DECODED_BYTES
)


def read_payload(candidate: ScoredCandidate) -> HitPayload:
    """What a hit shows of a candidate; the same few thousand payloads come back query after query, so the decoded
    ones are kept."""
    return _decoded(candidate.payload)


def rank_candidates(candidates: Sequence[ScoredCandidate], scoring: Scoring) -> list[RankedCandidate]:
    """Score and order candidates, the best first; equal ones by product id.

    A lexical score counts relative to the best one among the candidates, so that it lies in [0, 1] as the others do;
    similarities count as they are: their spread says how much an encoder tells products apart, and stretching it to a
    range (min-max, z-scores) or to ranks makes as much of noise as of knowledge. How far they are worth their weight
    is `query_api.embedding.text_trust`'s to say. On ESCI, rank fusion was below BM25
    alone by 0.09 nDCG@10 with a weak encoder.

    Source: Bruch, Gai and Ingber, 2023, "An Analysis of Fusion Functions for Hybrid Retrieval" (convex combination).
    """
    weights, taste, ranker = scoring.weights, scoring.taste, scoring.ranker_scores
    greatest = max((candidate.lexical for candidate in candidates), default=0.0) or 1.0
    # Payloads are decoded only where somebody's taste is known.
    affinity = taste_affinity(taste) if taste.confidence and weights.personal else None
    ranked: list[RankedCandidate] = []
    for candidate in candidates:
        lexical = weights.lexical * (candidate.lexical / greatest)
        personal = weights.personal * affinity(read_payload(candidate)) if affinity else 0.0
        again = ranker.get(candidate.product_id, 0.0) if ranker else 0.0
        ranked.append(
            RankedCandidate(candidate, lexical, personal, again, candidate.dense + lexical + personal + again)
        )
    # A sort keeps the order of equals, and two by plain keys take half the time of one by pairs.
    ranked.sort(key=_PRODUCT_ID)
    ranked.sort(key=_SCORE, reverse=True)
    return ranked


def sort_candidates(ranked: Sequence[RankedCandidate], sort: Sort) -> Sequence[RankedCandidate]:
    """Candidates in another order than relevance; those that lack the number come last, equal ones by relevance."""
    if sort == "relevance":
        return ranked
    value = _SORT_VALUES[sort]
    return sorted(ranked, key=lambda hit: value(read_payload(hit.candidate)))


def collapse_variants(ranked: Sequence[RankedCandidate]) -> list[RankedCandidate]:
    """The first of each group of variants; products without a group stay."""
    seen: set[str] = set()
    kept: list[RankedCandidate] = []
    for hit in ranked:
        group = read_payload(hit.candidate).group_id
        if group is None or group not in seen:
            kept.append(hit)
        if group is not None:
            seen.add(group)
    return kept


def _last_if_absent(number: float | None, sign: int) -> tuple[bool, float]:
    return (number is None, 0.0 if number is None else sign * number)


_SORT_VALUES: dict[str, Callable[[HitPayload], Any]] = {
    "price": lambda payload: _last_if_absent(payload.price, 1),
    "-price": lambda payload: _last_if_absent(payload.price, -1),
    "newest": lambda payload: _last_if_absent(payload.created_at_ms, -1),
}
