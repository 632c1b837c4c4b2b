"""What a learnt ranker knows of a candidate, by name. Pure.

The same numbers are remembered with what an answer shows, and are what the ranker is trained on: so nothing is
computed differently in training than in serving.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from query_api.cards.card import CardColumns
from query_api.cards.first_hits import FirstHits
from query_api.retrieval.candidate_columns import CandidateColumns

Values = NDArray[np.float64]
Places = NDArray[np.intp]

FEATURES: Final = (
    "similarity",  # of text and picture with the query, as weighted as it was ranked by
    "similarity_rank",  # log2(1 + rank) by it among all candidates
    "lexical",  # BM25 relative to the best candidate's
    "lexical_rank",
    "score",  # the blend: what ranks without a learnt ranker
    "score_rank",
    "taste",  # what the shopper's taste adds to the score
    "known",  # log(1 + weight) of what the shopper did with the product
    "price_level",  # log of its price in multiples of the median of the first hits
    "price_habit",  # log of its price in multiples of what the shopper usually looks at
    "in_stock",
    "rating",
    "rating_count",  # log(1 + count)
    "age",  # log(1 + days) since it was created
    "popularity",  # 1 / log2(1 + place) among the products that most shoppers interact with; 0: not among them
    "category_fit",  # how far its category is that of the first hits, from 0 to 1
)
"""NaN where it is not known; logarithms are natural but for ranks."""
BLEND: Final = FEATURES.index("score")
FEATURE_SET: Final = zlib.crc32(",".join(FEATURES).encode()) & 0xFFFF
"""Which features they are; another number for other ones."""
FIRST_HITS: Final = 10
"""By how many of the impersonal order's first hits prices and categories are judged."""
_DAY_MS = 86_400_000
_FEW = 32
"""So many are compared with all faster than all are sorted."""


@dataclass(frozen=True, slots=True)
class ShopperSignals:
    """What is known of who asks; by default nothing."""

    product_weights: Mapping[str, float] = field(default_factory=dict[str, float])
    """How much each product that they interacted with says of them."""
    usual_price: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class BlendedCandidates:
    """All n candidates of a query, as they are ranked without a learnt ranker."""

    items: CandidateColumns
    taste: Values
    """(n,): what a taste adds."""
    score: Values
    """(n,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What candidates are looked at beside."""

    first: FirstHits
    """Of the impersonal order."""
    popularity: Mapping[str, float]
    """By product id; products that are not popular are absent."""
    shopper: ShopperSignals
    now_ms: int
    """Unix milliseconds."""


def feature_rows(
    candidates: BlendedCandidates, places: Places, cards: CardColumns, surroundings: Surroundings
) -> Values:
    """The features of some candidates, (m, len(FEATURES)) float64.

    Args:
        candidates: of the query.
        places: (m,) which of them.
        cards: of those, in their order.
        surroundings: what else is known.
    """
    items, numbers = candidates.items, cards.numbers
    ids: list[str] = [items.ids[at] for at in places.tolist()]
    similarity, lexical = items.dense.astype(np.float64), items.lexical.astype(np.float64)
    price = np.log(np.where(numbers["price"] > 0, numbers["price"], np.nan))
    columns: dict[str, Values | float] = {
        "similarity": similarity[places],
        "similarity_rank": _log_ranks(similarity, places),
        "lexical": lexical[places] / (lexical.max(initial=0.0) or 1.0),
        "lexical_rank": _log_ranks(lexical, places),
        "score": candidates.score[places],
        "score_rank": _log_ranks(candidates.score, places),
        "taste": candidates.taste[places],
        "known": _looked_up(surroundings.shopper.product_weights, ids, np.log1p),
        "price_level": price - surroundings.first.log_price,
        "price_habit": price - np.log(surroundings.shopper.usual_price or np.nan),
        "in_stock": numbers["in_stock"],
        "rating": numbers["rating"],
        "rating_count": np.log1p(numbers["rating_count"]),
        "age": np.log1p(np.maximum(0, surroundings.now_ms - numbers["created_at_ms"]) / _DAY_MS),
        "popularity": _looked_up(surroundings.popularity, ids),
        "category_fit": surroundings.first.category_fits(numbers["category"]),
    }
    rows = np.empty((len(places), len(FEATURES)))
    for at, name in enumerate(FEATURES):
        rows[:, at] = columns[name]
    return rows


def _log_ranks(scores: Values, places: Places) -> Values:
    """log2(1 + rank) of some among all, from rank 1; equal ones have the best rank of them."""
    own = scores[places]
    if len(places) <= _FEW:
        greater: Values = np.count_nonzero(scores > own[:, None], axis=1).astype(np.float64)
    else:
        greater = len(scores) - np.searchsorted(np.sort(scores), own, side="right").astype(np.float64)
    return np.log2(2.0 + greater)


def _looked_up(values: Mapping[str, float], ids: list[str], then: np.ufunc | None = None) -> Values | float:
    if not values:
        return 0.0
    found = np.array([values.get(product_id, 0.0) for product_id in ids])
    return found if then is None else then(found)
