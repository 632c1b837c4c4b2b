"""Where a product stands among the candidates of a search, and by how much others beat it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from query_api.answers import Answer
from query_api.ranking import Ranked, collapse, rank, reorder
from query_api.responses import Explanation, Place, Reason
from query_api.retrieval import Scored

PARTS = ("text", "image", "lexical", "personal", "ranker")
_SORTED_BY = {"price": "price", "-price": "price", "newest": "created_at_ms"}


@dataclass(frozen=True, slots=True)
class Standing:
    """The candidates of a search in the order of its results, with a product among them."""

    answer: Answer
    own: Ranked | None
    """The product; None: there is nothing to score it by."""
    is_candidate: bool
    """Whether it was found, rather than put where it would be."""
    shown: Sequence[Ranked]
    """With variants collapsed where that was asked for."""
    leader: Ranked | None
    """The variant that it is hidden behind."""

    @property
    def found(self) -> Sequence[Ranked]:
        """What the search shows on all of its pages."""
        return self.shown if self.is_candidate else [one for one in self.shown if one is not self.own]

    @property
    def hit(self) -> Ranked | None:
        """The last hit of the page that was asked for."""
        request = self.answer.request
        return next(reversed(self.found[request.offset : request.offset + request.k]), None)

    @property
    def last(self) -> Ranked | None:
        """The last of all hits."""
        return self.found[-1] if self.found else None

    def rank_of(self, one: Ranked) -> int | None:
        """The place of a hit, from 1; None: it is hidden."""
        hits = self.shown if one is self.own else self.found
        return next((at for at, other in enumerate(hits, 1) if other is one), None)

    def place(self, one: Ranked | None, explained: Mapping[str, Explanation]) -> Place | None:
        """A hit's place with the parts of its score."""
        if one is None:
            return None
        why = explained[one.scored.product_id]
        return Place(one.scored.product_id, self.rank_of(one), why.score, why)


def stand(answer: Answer, product_id: str, alone: Scored | None) -> Standing:
    """Find a product among the candidates, or put it where it would be.

    Args:
        alone: its own scores where it is no candidate; None: it has none.
    """
    ranked = answer.ranked
    is_candidate = any(one.scored.product_id == product_id for one in ranked)
    if alone is not None and not is_candidate and answer.weights is not None:
        ranked = rank(
            [*(one.scored for one in ranked), alone], answer.weights, answer.taste, answer.cards, answer.ranker
        )
    ordered = reorder(ranked, answer.request.sort, answer.cards)
    shown = collapse(ordered, answer.cards) if answer.request.group else ordered
    own = next((one for one in ordered if one.scored.product_id == product_id), None)
    leader = None
    if own is not None and all(one is not own for one in shown):
        group = answer.cards(own.scored).group_id
        leader = next(one for one in shown if answer.cards(one.scored).group_id == group)
    return Standing(answer, own, is_candidate, shown, leader)


def position(standing: Standing, own: Place, hit: Place | None, last: Place | None) -> Reason | None:
    """Why a product that matches is not on the page that was asked for; None when it is.

    Args:
        standing: of the product.
        own: its place.
        hit: the place of the last hit of the page that was asked for.
        last: that of the last hit of all.
    """
    request = standing.answer.request
    if not standing.is_candidate:
        return _beyond(standing, own, hit, last)
    if own.rank is None:
        return _behind_a_variant(standing, own)
    if request.offset < own.rank <= request.offset + request.k:
        return None
    page = (own.rank - 1) // request.k + 1
    detail = f"it is hit {own.rank:,}, on page {page:,} with {request.k} a page" + _beaten(standing, own, hit)
    return Reason("on_another_page", detail, {"page": page} | _gap(own, hit))


def _beyond(standing: Standing, own: Place, hit: Place | None, last: Place | None) -> Reason:
    count = len(standing.answer.ranked)
    retrieval = standing.answer.retrieval
    if retrieval is not None and retrieval.is_browse:
        detail = f"it matches, but {count:,} products come before it, and no more are looked at without a query"
        return Reason("beyond_the_candidates", detail, {"candidates": count})
    detail = f"the search looked at the {count:,} products that fit best, and it is not among them"
    if last is not None:
        detail += f": it scores {own.score:.3f}, the last of them {last.score:.3f}"
    return Reason("beyond_the_candidates", detail + _beaten(standing, own, hit), {"candidates": count} | _gap(own, hit))


def _behind_a_variant(standing: Standing, own: Place) -> Reason:
    assert standing.leader is not None
    leader, cards = standing.leader, standing.answer.cards
    evidence = {"product_id": leader.scored.product_id, "group_id": cards(leader.scored).group_id}
    detail = f"it is hidden behind {evidence['product_id']}, the best of its variants (group {evidence['group_id']})"
    return Reason("behind_a_variant", detail, evidence | {"score": leader.score, "gap": leader.score - own.score})


def _gap(own: Place, hit: Place | None) -> dict[str, Any]:
    """By how much the hit is better, in all and by parts."""
    if hit is None:
        return {}
    parts = {name: getattr(hit.explanation, name) - getattr(own.explanation, name) for name in PARTS}
    return {"hit": hit.product_id, "gap": hit.score - own.score, "parts": parts}


def _beaten(standing: Standing, own: Place, hit: Place | None) -> str:
    """The end of a sentence: how the last hit of the page that was asked for beats it."""
    if hit is None or hit.rank is None or (own.rank is not None and own.rank <= hit.rank):
        return ""
    if sorted_by := _SORTED_BY.get(standing.answer.request.sort):
        values = {
            one.scored.product_id: getattr(standing.answer.cards(one.scored), sorted_by) for one in standing.shown
        }
        theirs, mine = values[hit.product_id], values.get(own.product_id)
        return f"; results are sorted by {sorted_by}: hit {hit.rank:,} ({hit.product_id}) has {theirs}, it has {mine}"
    gap = _gap(own, hit)
    parts = sorted(((name, by) for name, by in gap["parts"].items() if by), key=lambda part: -abs(part[1]))
    worded = ", ".join(f"{name} {by:+.3f}" for name, by in parts)
    return f"; hit {hit.rank:,} ({hit.product_id}) beats it by {gap['gap']:.3f}" + (f": {worded}" if worded else "")
