"""Order: dense, lexical and personal scores into one, variants collapsed, sorted, paged. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

from msgspec import Struct

from indexer.cards import Card, decode_card
from query_api.personal import Taste, affinity_to
from query_api.requests import Sort
from query_api.retrieval import Scored


@dataclass(frozen=True, slots=True)
class RankWeights:
    """What the parts that are known only at ranking count; those of the dense parts are within the query vector."""

    lexical: float
    personal: float


class Ranked(Struct, frozen=True, gc=False):
    """A candidate with what each part adds to its score, weights included."""

    scored: Scored
    lexical: float
    personal: float
    ranker: float
    """0 where no ranker scored it."""
    score: float
    """The sum of its parts."""


_NOTHING: Mapping[str, float] = {}
Cards = Callable[[Scored], Card]
_PRODUCT_ID, _SCORE = attrgetter("scored.product_id"), attrgetter("score")


CARDS_KEPT = 20_000
_decoded = lru_cache(maxsize=CARDS_KEPT)(decode_card)


def read_card(one: Scored) -> Card:
    """A candidate's card; the same few thousand bytes come back query after query, so they are decoded once."""
    return _decoded(one.card)


def rank(
    items: Sequence[Scored],
    weights: RankWeights,
    taste: Taste | None,
    cards: Cards,
    ranker: Mapping[str, float] = _NOTHING,
) -> list[Ranked]:
    """Score and order candidates, the best first; equal ones by product id.

    A lexical score counts relative to the best one among the candidates, so that it lies in [0, 1] as the others do;
    similarities count as they are: their spread says how much an encoder tells products apart, and stretching it to a
    range (min-max, z-scores) or to ranks makes as much of noise as of knowledge. How far they are worth their weight
    is `query_api.text_trust`'s to say. On ESCI, rank fusion was below BM25 alone by 0.09 nDCG@10 with a weak encoder.
    `ranker` is what a ranker adds, by product id.

    Source: Bruch, Gai and Ingber, 2023, "An Analysis of Fusion Functions for Hybrid Retrieval" (convex combination).
    """
    greatest = max((one.lexical for one in items), default=0.0) or 1.0
    # Cards are decoded only where somebody's taste is known.
    affinity = affinity_to(taste) if taste and taste.confidence and weights.personal else None
    ranked: list[Ranked] = []
    for one in items:
        lexical = weights.lexical * (one.lexical / greatest)
        personal = weights.personal * affinity(cards(one)) if affinity else 0.0
        again = ranker.get(one.product_id, 0.0) if ranker else 0.0
        ranked.append(Ranked(one, lexical, personal, again, one.dense + lexical + personal + again))
    # A sort keeps the order of equals, and two by plain keys take half the time of one by pairs.
    ranked.sort(key=_PRODUCT_ID)
    ranked.sort(key=_SCORE, reverse=True)
    return ranked


def reorder(ranked: list[Ranked], sort: Sort, cards: Cards) -> list[Ranked]:
    """Candidates in another order than relevance; those that lack the number come last, equal ones by relevance."""
    if sort == "relevance":
        return ranked
    value = _SORT_VALUES[sort]
    return sorted(ranked, key=lambda one: value(cards(one.scored)))


def collapse(ranked: Sequence[Ranked], cards: Cards) -> list[Ranked]:
    """Just the first of each group of variants; products without a group stay."""
    seen: set[str] = set()
    kept: list[Ranked] = []
    for one in ranked:
        group = cards(one.scored).group_id
        if group is None or group not in seen:
            kept.append(one)
        if group is not None:
            seen.add(group)
    return kept


def _last_if_absent(number: float | None, sign: int) -> tuple[bool, float]:
    return (number is None, 0.0 if number is None else sign * number)


_SORT_VALUES: dict[str, Callable[[Card], Any]] = {
    "price": lambda card: _last_if_absent(card.price, 1),
    "-price": lambda card: _last_if_absent(card.price, -1),
    "newest": lambda card: _last_if_absent(card.created_at_ms, -1),
}
