"""Where a product stands among the candidates of a search, and by how much others beat it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from query_api.contract.responses import Explanation, Place, Reason
from query_api.retrieval.candidate_set import ScoredCandidate
from query_api.search.ranking import (
    RankedCandidate,
    collapse_variants,
    rank_candidates,
    read_payload,
    sort_candidates,
)
from query_api.search.results import RankedResults

SCORE_PARTS = ("text", "image", "lexical", "personal", "ranker")
_SORTED_BY = {"price": "price", "-price": "price", "newest": "created_at_ms"}


@dataclass(frozen=True, slots=True)
class ProductPosition:
    """The candidates of a search in the order of its results, with a product among them."""

    results: RankedResults
    product: RankedCandidate | None
    """The product; None: there is nothing to score it by."""
    is_candidate: bool
    """Whether it was found, rather than put where it would be."""
    shown: Sequence[RankedCandidate]
    """With variants collapsed where that was asked for."""
    shown_variant: RankedCandidate | None
    """The variant that it is hidden behind."""

    @property
    def hits(self) -> Sequence[RankedCandidate]:
        """What the search shows on all of its pages."""
        return self.shown if self.is_candidate else [one for one in self.shown if one is not self.product]

    @property
    def last_page_hit(self) -> RankedCandidate | None:
        """The last hit of the page that was asked for."""
        request = self.results.request
        return next(reversed(self.hits[request.offset : request.offset + request.k]), None)

    @property
    def last_hit(self) -> RankedCandidate | None:
        """The last of all hits."""
        return self.hits[-1] if self.hits else None

    def rank_of(self, one: RankedCandidate) -> int | None:
        """The place of a hit, from 1; None: it is hidden."""
        hits = self.shown if one is self.product else self.hits
        return next((at for at, other in enumerate(hits, 1) if other is one), None)

    def place_of(self, one: RankedCandidate | None, explained: Mapping[str, Explanation]) -> Place | None:
        """A hit's place with the parts of its score."""
        if one is None:
            return None
        why = explained[one.candidate.product_id]
        return Place(one.candidate.product_id, self.rank_of(one), why.score, why)


def locate_product(answer: RankedResults, product_id: str, alone: ScoredCandidate | None) -> ProductPosition:
    """Find a product among the candidates, or put it where it would be.

    Args:
        alone: its own scores where it is no candidate; None: it has none.
    """
    ranked = answer.ranked
    is_candidate = any(one.candidate.product_id == product_id for one in ranked)
    if alone is not None and not is_candidate and answer.scoring is not None:
        ranked = rank_candidates([*(hit.candidate for hit in ranked), alone], answer.scoring)
    ordered = sort_candidates(ranked, answer.request.sort)
    shown = collapse_variants(ordered) if answer.request.group else ordered
    own = next((one for one in ordered if one.candidate.product_id == product_id), None)
    leader = None
    if own is not None and all(one is not own for one in shown):
        group = read_payload(own.candidate).group_id
        leader = next(one for one in shown if read_payload(one.candidate).group_id == group)
    return ProductPosition(answer, own, is_candidate, shown, leader)


def position_reason(standing: ProductPosition, own: Place, hit: Place | None, last: Place | None) -> Reason | None:
    """Why a product that matches is not on the page that was asked for; None when it is.

    Args:
        standing: of the product.
        own: its place.
        hit: the place of the last hit of the page that was asked for.
        last: that of the last hit of all.
    """
    request = standing.results.request
    if not standing.is_candidate:
        return _beyond_candidates_reason(standing, own, hit, last)
    if own.rank is None:
        return _hidden_variant_reason(standing, own)
    if request.offset < own.rank <= request.offset + request.k:
        return None
    page = (own.rank - 1) // request.k + 1
    detail = f"it is hit {own.rank:,}, on page {page:,} with {request.k} a page" + _comparison_clause(
        standing, own, hit
    )
    return Reason("on_another_page", detail, {"page": page} | _score_gap(own, hit))


def _beyond_candidates_reason(standing: ProductPosition, own: Place, hit: Place | None, last: Place | None) -> Reason:
    count = len(standing.results.ranked)
    retrieval = standing.results.retrieval
    if retrieval is not None and retrieval.is_browse:
        detail = f"it matches, but {count:,} products come before it, and no more are looked at without a query"
        return Reason("beyond_the_candidates", detail, {"candidates": count})
    detail = f"the search looked at the {count:,} products that fit best, and it is not among them"
    if last is not None:
        detail += f": it scores {own.score:.3f}, the last of them {last.score:.3f}"
    return Reason(
        "beyond_the_candidates",
        detail + _comparison_clause(standing, own, hit),
        {"candidates": count} | _score_gap(own, hit),
    )


def _hidden_variant_reason(standing: ProductPosition, own: Place) -> Reason:
    assert standing.shown_variant is not None
    leader = standing.shown_variant
    evidence = {"product_id": leader.candidate.product_id, "group_id": read_payload(leader.candidate).group_id}
    detail = f"it is hidden behind {evidence['product_id']}, the best of its variants (group {evidence['group_id']})"
    return Reason("behind_a_variant", detail, evidence | {"score": leader.score, "gap": leader.score - own.score})


def _score_gap(own: Place, hit: Place | None) -> dict[str, Any]:
    """By how much the hit is better, in all and by parts."""
    if hit is None:
        return {}
    parts = {name: getattr(hit.explanation, name) - getattr(own.explanation, name) for name in SCORE_PARTS}
    return {"hit": hit.product_id, "gap": hit.score - own.score, "parts": parts}


def _comparison_clause(standing: ProductPosition, own: Place, hit: Place | None) -> str:
    """The end of a sentence: how the last hit of the page that was asked for beats it."""
    if hit is None or hit.rank is None or (own.rank is not None and own.rank <= hit.rank):
        return ""
    if sorted_by := _SORTED_BY.get(standing.results.request.sort):
        values = {one.candidate.product_id: getattr(read_payload(one.candidate), sorted_by) for one in standing.shown}
        theirs, mine = values[hit.product_id], values.get(own.product_id)
        return f"; results are sorted by {sorted_by}: hit {hit.rank:,} ({hit.product_id}) has {theirs}, it has {mine}"
    gap = _score_gap(own, hit)
    parts = sorted(((name, by) for name, by in gap["parts"].items() if by), key=lambda part: -abs(part[1]))
    worded = ", ".join(f"{name} {by:+.3f}" for name, by in parts)
    return f"; hit {hit.rank:,} ({hit.product_id}) beats it by {gap['gap']:.3f}" + (f": {worded}" if worded else "")
