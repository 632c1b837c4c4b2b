"""The rank of a product among the candidates of a search, and by how much others beat it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from query_api.contract.responses import Explanation, Place, Reason
from query_api.relevance.query_floor import Evidence, QueryFloor
from query_api.retrieval.candidate_columns import CandidateColumns, ScoredCandidate
from query_api.search.ranking import RankedCandidate, Ranking, collapse_variants, rank_candidates, sort_candidates
from query_api.search.results import RankedResults

SCORE_PARTS = ("text", "image", "lexical", "personal", "ranker")
_SORTED_BY = {"price": "price", "-price": "price", "newest": "created_at_ms"}


@dataclass(frozen=True, slots=True)
class ProductPosition:
    """A product among the candidates of a search."""

    results: RankedResults
    product: RankedCandidate | None
    """The product; None: it has no score."""
    is_candidate: bool
    """Whether it is among the results; False: it is put where its score would place it."""
    shown: Ranking
    """The candidates in the order of the results, with variants collapsed if the request groups them."""
    shown_variant: RankedCandidate | None
    """The variant that is shown in place of the product; None: it is not hidden."""

    @property
    def hits(self) -> Sequence[RankedCandidate]:
        """The hits on all pages of the search."""
        return self.shown if self.is_candidate else [hit for hit in self.shown if hit != self.product]

    @property
    def last_page_hit(self) -> RankedCandidate | None:
        """The last hit of the requested page; None: the page is empty."""
        request = self.results.request
        return next(reversed(self.hits[request.offset : request.offset + request.k]), None)

    @property
    def last_hit(self) -> RankedCandidate | None:
        """The last hit of all pages; None: there are no hits."""
        return self.hits[-1] if self.hits else None

    def rank_of(self, candidate: RankedCandidate) -> int | None:
        """The rank of a candidate among the hits, from 1; None: a variant hides it.

        The product itself has the rank that it would have as a hit.
        """
        hits = self.shown if candidate == self.product else self.hits
        return next((rank for rank, hit in enumerate(hits, 1) if hit == candidate), None)

    def place_of(self, candidate: RankedCandidate | None, explained: Mapping[str, Explanation]) -> Place | None:
        """The rank of a candidate with the parts of its score, by product id in `explained`; None of None."""
        if candidate is None:
            return None
        explanation = explained[candidate.candidate.product_id]
        return Place(candidate.candidate.product_id, self.rank_of(candidate), explanation.score, explanation)


def locate_product(results: RankedResults, product_id: str, alone: ScoredCandidate | None) -> ProductPosition:
    """Find a product among the candidates, or put it where its score would place it.

    Args:
        results: of the search.
        product_id: of the product.
        alone: its own scores if it is no candidate; None: it has none.
    """
    ranked, cards = results.ranked, results.cards
    is_candidate = product_id in ranked.candidates.ids
    if alone is not None and not is_candidate and results.scoring is not None:
        ranked = rank_candidates(ranked.candidates.joined(CandidateColumns.of([alone])), results.scoring, cards)
    ordered = sort_candidates(ranked, results.request.sort, cards)
    shown = collapse_variants(ordered, cards) if results.request.group else ordered
    product = next((hit for hit in ordered if hit.candidate.product_id == product_id), None)
    shown_variant = None
    if product is not None and all(hit != product for hit in shown):
        group = cards.payload(product_id).group_id
        shown_variant = next(hit for hit in shown if cards.payload(hit.candidate.product_id).group_id == group)
    return ProductPosition(results, product, is_candidate, shown, shown_variant)


def position_reason(position: ProductPosition, own: Place, hit: Place | None, last: Place | None) -> Reason | None:
    """Why a product that matches is not on the requested page; None when it is.

    Args:
        position: of the product.
        own: its place.
        hit: the place of the last hit of the requested page; None: the page is empty.
        last: the place of the last hit of all pages; None: there are no hits.
    """
    request = position.results.request
    if not position.is_candidate:
        return _beyond_candidates_reason(position, own, hit, last)
    if own.rank is None:
        return _hidden_variant_reason(position, own)
    if request.offset < own.rank <= request.offset + request.k:
        return None
    page = (own.rank - 1) // request.k + 1
    detail = f"it is hit {own.rank:,}, on page {page:,} with {request.k} a page" + _comparison_clause(
        position, own, hit
    )
    return Reason("on_another_page", detail, {"page": page} | _score_gap(own, hit))


def below_the_floor_reason(position: ProductPosition) -> Reason | None:
    """Says that a product does not match, and what it would have to reach; None: it does, or there is no floor."""
    floor, product = position.results.floor, position.product
    if not isinstance(floor, QueryFloor) or product is None or position.is_candidate:
        return None
    evidence = floor.evidence(product.candidate)
    if floor.matching(CandidateColumns.of([product.candidate]))[0]:
        # By its id: looked up alone, a product's scores may differ in the last digit, and lack words that are implied.
        is_below = product.candidate.product_id in position.results.below.ids
        return _of_another_kind_reason(position.results, product.candidate, evidence) if is_below else None
    asked = "nothing matches by similarity alone, as enough products have the words"
    if evidence.spreads_alone is not None:
        asked = f"{evidence.spreads_alone:.1f} spreads match by similarity alone"
    has = f"it is {evidence.spreads:.1f} spreads nearer than products at large"
    if floor.words is not None:
        asked += f", {evidence.words_alone:.0%} of the words alone, and less of each together"
        has += f" and has {evidence.words:.0%} of the query's words by weight"
    return Reason("below_the_floor", f"it is below the floor: {has}; {asked}", asdict(evidence))


def _of_another_kind_reason(results: RankedResults, candidate: ScoredCandidate, evidence: Evidence) -> Reason:
    category = results.cards.payload(candidate.product_id).category
    asked = f"products that have all of them are in other categories than {category}"
    if results.kinds is not None and results.kinds.leading.noun:
        asked = f"no product has all of them, and the last one names other categories than {category}"
    detail = f"it is below the floor: it has {evidence.words:.0%} of the query's words by weight, and {asked}"
    return Reason("below_the_floor", detail, asdict(evidence) | {"category": category})


def _beyond_candidates_reason(position: ProductPosition, own: Place, hit: Place | None, last: Place | None) -> Reason:
    count = len(position.results.ranked)
    retrieval = position.results.retrieval
    if retrieval is not None and retrieval.is_browse:
        detail = f"it matches, but {count:,} products come before it, and no more are looked at without a query"
        return Reason("beyond_the_candidates", detail, {"candidates": count})
    detail = f"the search looked at the {count:,} products that fit best, and it is not among them"
    if last is not None:
        detail += f": it scores {own.score:.3f}, the last of them {last.score:.3f}"
    return Reason(
        "beyond_the_candidates",
        detail + _comparison_clause(position, own, hit),
        {"candidates": count} | _score_gap(own, hit),
    )


def _hidden_variant_reason(position: ProductPosition, own: Place) -> Reason:
    shown = position.shown_variant
    assert shown is not None
    group_id = position.results.cards.payload(shown.candidate.product_id).group_id
    evidence = {"product_id": shown.candidate.product_id, "group_id": group_id}
    detail = f"it is hidden behind {evidence['product_id']}, the best of its variants (group {evidence['group_id']})"
    return Reason("behind_a_variant", detail, evidence | {"score": shown.score, "gap": shown.score - own.score})


def _score_gap(own: Place, hit: Place | None) -> dict[str, Any]:
    """By how much a hit scores more than the product, in all and by parts."""
    if hit is None:
        return {}
    parts = {name: getattr(hit.explanation, name) - getattr(own.explanation, name) for name in SCORE_PARTS}
    return {"hit": hit.product_id, "gap": hit.score - own.score, "parts": parts}


def _comparison_clause(position: ProductPosition, own: Place, hit: Place | None) -> str:
    """The end of a sentence about a product: how the last hit of the requested page beats it; empty: it does not."""
    if hit is None or hit.rank is None or (own.rank is not None and own.rank <= hit.rank):
        return ""
    if sorted_by := _SORTED_BY.get(position.results.request.sort):
        cards = position.results.cards
        theirs, mine = (getattr(cards.payload(place.product_id), sorted_by) for place in (hit, own))
        return f"; results are sorted by {sorted_by}: hit {hit.rank:,} ({hit.product_id}) has {theirs}, it has {mine}"
    gap = _score_gap(own, hit)
    parts = sorted(((name, by) for name, by in gap["parts"].items() if by), key=lambda part: -abs(part[1]))
    worded = ", ".join(f"{name} {by:+.3f}" for name, by in parts)
    return f"; hit {hit.rank:,} ({hit.product_id}) beats it by {gap['gap']:.3f}" + (f": {worded}" if worded else "")
