"""How likely a place in an answer is looked at, and how attractive each product is for a query, from clicks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from query_api.evaluation.click_log import LoggedAnswer

Values = NDArray[np.float64]
RANKS = 50
"""Places that are told apart; all after are as the last."""
ROUNDS = 100
PRIOR_VIEWS = 2.0
"""The attractiveness of what was hardly shown is drawn to the mean, as by so many views."""


@dataclass(frozen=True, slots=True, eq=False)
class ClickModel:
    """A position-based model: a product is clicked where its place is looked at and it attracts."""

    examination: Values
    """(RANKS,): how likely each place is looked at; the first has 1."""
    attractiveness: dict[tuple[str, str], float]
    """By query text and product, how likely it is clicked when looked at."""
    views: dict[tuple[str, str], int]
    """How often it was shown."""

    def examined(self, offset: int, count: int) -> Values:
        """How likely the places after an offset are looked at, (count,)."""
        return self.examination[np.minimum(np.arange(offset, offset + count), RANKS - 1)]


def fit_click_model(answers: Sequence[LoggedAnswer]) -> ClickModel:
    """The most likely model of clicks, by expectation maximisation.

    What a place and what a product adds is told apart where products were shown in several places.

    Source: Chuklin, Markov and de Rijke, 2015, "Click Models for Web Search" (the position-based model of Craswell et
    al., 2008, and its EM).
    """
    pairs: dict[tuple[str, str], int] = {}
    ranks, owners, clicks = list[int](), list[int](), list[bool]()
    for answer in answers:
        for place, product in enumerate(answer.products):
            ranks.append(min(answer.offset + place, RANKS - 1))
            owners.append(pairs.setdefault((query_key(answer.text), product), len(pairs)))
            clicks.append(product in answer.chosen)
    rank, owner, clicked = np.array(ranks, np.intp), np.array(owners, np.intp), np.array(clicks, np.float64)
    examination, attraction = _fit(rank, owner, clicked, len(pairs))
    views = np.bincount(owner, minlength=len(pairs))
    return ClickModel(
        examination,
        dict(zip(pairs, attraction.tolist(), strict=True)),
        dict(zip(pairs, views.tolist(), strict=True)),
    )


def query_key(text: str) -> str:
    """What texts of the same query have in common."""
    return " ".join(text.casefold().split())


def _fit(rank: NDArray[np.intp], owner: NDArray[np.intp], clicked: Values, pairs: int) -> tuple[Values, Values]:
    """(examination (RANKS,), attractiveness (pairs,)) of views, each of a rank and a pair."""
    mean = float(clicked.mean()) if len(clicked) else 0.0
    shown_at, shown = np.bincount(rank, minlength=RANKS), np.bincount(owner, minlength=pairs)
    examination, attraction = 1 / np.sqrt(np.arange(1.0, RANKS + 1)), np.full(pairs, max(mean, 1e-6))
    for _ in range(ROUNDS):
        seen, liked = examination[rank], attraction[owner]
        unclicked = np.maximum(1e-12, 1 - seen * liked)
        was_seen = clicked + (1 - clicked) * seen * (1 - liked) / unclicked
        was_liked = clicked + (1 - clicked) * liked * (1 - seen) / unclicked
        # Ranks that were hardly shown stay near what they were taken for.
        examination = (np.bincount(rank, was_seen, RANKS) + examination) / (shown_at + 1)
        attraction = (np.bincount(owner, was_liked, pairs) + PRIOR_VIEWS * mean) / (shown + PRIOR_VIEWS)
    first = examination[0] or 1.0
    return np.minimum(1.0, examination / first), np.minimum(1.0, attraction * first)
