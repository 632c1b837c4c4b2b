"""Order: dense, lexical, personal and ranker scores into one, variants collapsed, sorted. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from query_api.cards.card import NO_CODE, TasteColumns
from query_api.cards.card_table import AnswerCards
from query_api.contract.requests import Sort
from query_api.personalisation.taste import NO_TASTE, Taste, taste_affinities
from query_api.retrieval.candidate_columns import CandidateColumns, ScoredCandidate

Scores = NDArray[np.float64]
"""(n,) float64, in the order of the candidates' columns."""
Order = NDArray[np.intp]
"""Places in the candidates' columns, (at most n,)."""


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
    asked_for: tuple[str, ...] = ()
    """Candidates that the query names: they come first, in this order, whatever taste and rankers say."""
    unwanted: frozenset[str] = frozenset()
    """Candidates with what the query says that it does not want: they come last, among themselves by their scores."""

    @property
    def is_personal(self) -> bool:
        """Whether somebody's taste counts, which looks at the cards of all candidates."""
        return bool(self.taste.confidence and self.weights.personal)


class RankedCandidate(Struct, frozen=True, gc=False):
    """A candidate with what each part adds to its score, weights included."""

    candidate: ScoredCandidate
    lexical_part: float
    personal_part: float
    ranker_part: float
    """0 where no ranker scored it."""
    score: float
    """The sum of its parts."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking(Sequence[RankedCandidate]):
    """Candidates in an order, as columns; one of them is an object only when it is asked for."""

    candidates: CandidateColumns
    lexical_part: Scores
    personal_part: Scores
    ranker_part: Scores
    score: Scores
    order: Order

    @property
    def ids(self) -> list[str]:
        """The products' ids, in order."""
        ids = self.candidates.ids
        return [ids[at] for at in self.order.tolist()]

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, at: int) -> RankedCandidate: ...

    @overload
    def __getitem__(self, at: slice) -> Ranking: ...

    def __getitem__(self, at: int | slice) -> RankedCandidate | Ranking:
        if isinstance(at, slice):
            return replace(self, order=self.order[at])
        place = int(self.order[at])
        columns = self.lexical_part, self.personal_part, self.ranker_part, self.score
        return RankedCandidate(self.candidates[place], *(float(column[place]) for column in columns))

    def led_by(self, product_ids: Sequence[str]) -> Ranking:
        """Some of the candidates first, in their order, then the others as they are."""
        if not product_ids:
            return self
        first = np.array([bisect_left(self.candidates.ids, product_id) for product_id in product_ids], np.intp)
        return replace(self, order=np.concatenate([first, self.order[~np.isin(self.order, first)]]))

    def trailed_by(self, product_ids: Collection[str]) -> Ranking:
        """All as they are, but some of the candidates after the others."""
        if not product_ids:
            return self
        last = _are_among(product_ids, self.candidates)[self.order]
        return replace(self, order=np.concatenate([self.order[~last], self.order[last]]))

    def impersonal_first(self, count: int) -> tuple[str, ...]:
        """The ids of the candidates that come first for nobody in particular, without any ranker."""
        impersonal = self.score - self.personal_part - self.ranker_part
        first: list[str] = [self.candidates.ids[at] for at in _descending(impersonal, count).tolist()]
        return tuple(first)

    def reordered(self, places: Order) -> Ranking:
        """Those at places of the order, in the order of the places."""
        return replace(self, order=self.order[places])


def rank_candidates(candidates: CandidateColumns, scoring: Scoring, cards: AnswerCards | None = None) -> Ranking:
    """`rank_by_scores` with what tastes look at taken from cards: those of all candidates, where taste counts."""
    products = cards.columns(candidates.ids).tastes if scoring.is_personal and cards is not None else None
    return rank_by_scores(candidates, scoring, products)


def rank_by_scores(
    candidates: CandidateColumns, scoring: Scoring, products: TasteColumns | None, best: int | None = None
) -> Ranking:
    """Score and order candidates, the best first; equal ones by product id.

    A lexical score counts relative to the best one among the candidates, so that it lies in [0, 1] as the others do;
    similarities count as they are: their spread says how much an encoder tells products apart, and stretching it to a
    range (min-max, z-scores) or to ranks makes as much of noise as of knowledge. How far they are worth their weight
    is `query_api.embedding.text_trust`'s to say. On ESCI, rank fusion was below BM25
    alone by 0.09 nDCG@10 with a weak encoder.

    Args:
        candidates: all that there are.
        scoring: what they are ranked by.
        products: what tastes look at of all candidates; None: nobody's taste counts.
        best: how many of them are wanted, the first ones; None: all.

    Source: Bruch, Gai and Ingber, 2023, "An Analysis of Fusion Functions for Hybrid Retrieval" (convex combination).
    """
    nothing = np.zeros(len(candidates))
    dense, lexical = candidates.dense.astype(np.float64), candidates.lexical.astype(np.float64)
    lexical_part = scoring.weights.lexical * (lexical / (lexical.max(initial=0.0) or 1.0))
    personal_part = ranker_part = nothing
    if scoring.is_personal and products is not None:
        personal_part = scoring.weights.personal * taste_affinities(scoring.taste, products)
    if again := scoring.ranker_scores:
        ranker_part = np.array([again.get(product_id, 0.0) for product_id in candidates.ids])
    score = dense + lexical_part + personal_part + ranker_part
    last = np.where(_are_among(scoring.unwanted, candidates), -np.inf, 0.0) if scoring.unwanted else nothing
    order = _descending(score + last, best)
    ranked = Ranking(candidates, lexical_part, personal_part, ranker_part, score, order)
    return ranked.led_by(scoring.asked_for).trailed_by(scoring.unwanted)[:best]


def in_order(candidates: CandidateColumns, order: Order) -> Ranking:
    """Candidates in an order that is not by scores."""
    nothing = np.zeros(len(candidates))
    return Ranking(candidates, nothing, nothing, nothing, nothing, order)


def sort_candidates(ranked: Ranking, sort: Sort, cards: AnswerCards) -> Ranking:
    """Candidates in another order than relevance; those that lack the number come last, equal ones by relevance.

    Args:
        ranked: by relevance.
        sort: by what.
        cards: those of all of them, unless it is by relevance.
    """
    if sort == "relevance":
        return ranked
    name, sign = _SORT_NUMBERS[sort]
    # NaN, which says that there is none, is sorted last.
    return ranked.reordered(np.argsort(sign * cards.columns(ranked.ids).numbers[name], kind="stable"))


def collapse_variants(ranked: Ranking, cards: AnswerCards) -> Ranking:
    """The first of each group of variants; products without a group stay. `cards`: those of all of them."""
    groups = cards.columns(ranked.ids).numbers["group"]
    first = np.zeros(len(ranked), bool)
    first[np.unique(groups, return_index=True)[1]] = True
    return ranked.reordered(np.flatnonzero(first | (groups == NO_CODE)))


def _are_among(product_ids: Collection[str], candidates: CandidateColumns) -> NDArray[np.bool_]:
    """Which of the candidates are among some products, (n,)."""
    return np.fromiter((one in product_ids for one in candidates.ids), np.bool_, len(candidates))


def _descending(score: Scores, best: int | None) -> Order:
    # Candidates are by product id, and a stable sort leaves equals as they are.
    if best is None or 4 * best > len(score):
        return np.argsort(-score, kind="stable")[:best]
    if not best:
        return np.empty(0, np.intp)
    places = np.flatnonzero(score >= np.partition(score, -best)[-best])
    return places[np.argsort(-score[places], kind="stable")][:best]


_SORT_NUMBERS: Mapping[Sort, tuple[str, int]] = {
    "price": ("price", 1),
    "-price": ("price", -1),
    "newest": ("created_at_ms", -1),
}
