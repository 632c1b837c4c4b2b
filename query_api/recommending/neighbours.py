"""What other sessions did that had the same products: co-visitation, and sessions' nearest neighbours, in one. Pure.

A session that shares more of a shopper's products counts more than the sum of what it shares.
Source: Jannach & Ludewig, 2017, "When Recurrent Neural Networks meet the Neighborhood for Session-Based
Recommendation".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from indexer.ports.behaviour import Sightings
from query_api.recommending.habits import DAY_MS

HALF_LIFE_DAYS = 120.0
OVERLAP_POWER = 1.3
"""1: sessions count by the sum of what they share; above: the nearest count more."""
RARITY_POWER = 0.3
"""How much less a product says that is in many sessions."""
HALF_CONFIDENCE = 5
"""What was seen in so many sessions together with what is known is half believed."""
COMMON_POWER = 0.25
"""How much less a product is worth that everybody buys anyway."""
USUAL_DAYS = 120
SEASON_POWER = 0.5
"""How much more a product is worth that sells better just now than it did in the last so many days."""
FEW_SALES, FEW_SESSIONS = 0.3, 3.0
"""What is added to both: of a product that hardly anybody bought, they say little."""

Places = NDArray[np.intp]


def anchor_shares(anchors: Mapping[str, float], sightings: Sequence[Sightings]) -> dict[str, float]:
    """How much it says of a session to have each of a shopper's products, by product id.

    Args:
        anchors: how much each product says of what the shopper wants.
        sightings: the latest sessions of each anchor, in their order.
    """
    weighted = zip(anchors.items(), sightings, strict=True)
    return {product_id: weight * max(1, len(seen)) ** -RARITY_POWER for (product_id, weight), seen in weighted}


def nearest_sessions(
    shares: Mapping[str, float], sightings: Sequence[Sightings], now_ms: int, limit: int
) -> dict[str, float]:
    """The sessions that have most of a shopper's products, and their weights, by ref, the nearest first.

    Args:
        shares: `anchor_shares`.
        sightings: the latest sessions of each anchor, in their order.
        now_ms: Unix milliseconds.
        limit: how many sessions are wanted.
    """
    counts = [len(seen) for seen in sightings]
    refs, of_sighting = _coded(list(chain.from_iterable(seen.refs for seen in sightings)))
    if not refs:
        return {}
    overlaps = np.bincount(of_sighting, np.repeat(list(shares.values()), counts))
    latest_ms = np.zeros(len(refs))
    # Where a session has several of the products, the last written stays.
    latest_ms[of_sighting] = list(chain.from_iterable(seen.times_ms for seen in sightings))
    ages = np.maximum(0.0, now_ms - latest_ms) / DAY_MS
    weights = overlaps**OVERLAP_POWER * 0.5 ** (ages / HALF_LIFE_DAYS)
    best: list[int] = np.argsort(-weights, kind="stable")[:limit].tolist()
    return {refs[at].decode(): float(weights[at]) for at in best}


def nearest_visits(
    weights: Mapping[str, float], told: Sequence[Sequence[Sequence[bytes]]], shares: Mapping[str, float]
) -> tuple[list[float], list[Sequence[bytes]]]:
    """Visits and their weights: those of a day share what it weighs by what they have of the shopper's products.

    Args:
        weights: as `nearest_sessions` gives them.
        told: of each session, as `BehaviourStore.steps` tells it.
        shares: `anchor_shares`.
    """
    weighed: list[tuple[float, Sequence[bytes]]] = []
    for weight, visits in zip(weights.values(), told, strict=True):
        if len(visits) == 1:
            weighed.append((weight, visits[0]))
            continue
        overlaps = [sum(shares.get(one.decode(), 0.0) for one in {step[1:] for step in visit}) for visit in visits]
        of_all = sum(overlaps)
        nearest = [(overlap, visit) for overlap, visit in zip(overlaps, visits, strict=True) if overlap]
        weighed += [(weight * (overlap / of_all) ** OVERLAP_POWER, visit) for overlap, visit in nearest]
    return [weight for weight, _ in weighed], [visit for _, visit in weighed]


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The products of s sessions, each of a session's once, as n pairs of columns."""

    weights: NDArray[np.float64]
    """(s,): how near each session is."""
    products: Sequence[str]
    """All p of them."""
    _known: Mapping[str, int]
    """Their places."""
    sessions: Places
    """(n,): whose each is."""
    places: Places
    """(n,): which product it is."""

    @classmethod
    def of(cls, weights: Sequence[float], rows: Sequence[Sequence[bytes]]) -> Neighbours:
        """Args: as `nearest_visits` gives them."""
        products, places = _coded([step[1:] for row in rows for step in row])
        count = max(1, len(products))
        pairs = np.sort(np.repeat(np.arange(len(rows)), [len(row) for row in rows]) * count + places)
        sessions, places = np.divmod(pairs[np.diff(pairs, prepend=-1) > 0], count)
        known = {product_id.decode(): at for at, product_id in enumerate(products)}
        return cls(np.array(weights, np.float64), list(known), known, sessions, places)

    def co_visited(self, most: int) -> dict[str, float]:
        """How much products go with the anchors, by product id: at most so many, the best first.

        A session shares its weight out among its products.
        """
        sizes = np.bincount(self.sessions, minlength=len(self.weights))
        shares = (self.weights / np.maximum(1, sizes))[self.sessions]
        scores = np.bincount(self.places, shares, minlength=len(self.products))
        best: list[int] = np.argsort(-scores, kind="stable")[:most].tolist()
        return {self.products[at]: float(scores[at]) for at in best}

    def count_with(self, product_id: str) -> int:
        """How many of the sessions had a product."""
        return int(np.count_nonzero(self.places == self._known.get(product_id, -1)))

    def nearest_anchors(self, anchors: Mapping[str, float], wanted: Sequence[str]) -> dict[str, str]:
        """Of products, the anchor that was most in one session with each; absent where none was.

        Args:
            anchors: as `anchor_shares` takes them.
            wanted: the products.
        """
        names, places = list(anchors), self._places_of(wanted)
        if not names or not wanted:
            return {}
        rows = self._rows_of(places)
        is_wanted = rows >= 0
        rows, sessions = rows[is_wanted], self.sessions[is_wanted]
        # One after another: a product of matrices would wake threads for a few numbers.
        shares = [anchors[name] * self.weights * self._is_in(name) for name in names]
        together = np.stack([np.bincount(rows, share[sessions], len(wanted)) for share in shares])
        # That a session had a product itself says nothing.
        together[np.equal.outer(self._places_of(names), places)] = 0.0
        best: list[int] = together.argmax(0).tolist()
        return {
            one: names[at] for column, (one, at) in enumerate(zip(wanted, best, strict=True)) if together[at, column]
        }

    def _places_of(self, product_ids: Sequence[str]) -> Places:
        """(m,): which product each is; -1 where no session had it."""
        return np.array([self._known.get(product_id, -1) for product_id in product_ids], np.intp)

    def _rows_of(self, places: Places) -> Places:
        """(n,): which of some products, by their places (m,), each pair is of, or -1."""
        rows = np.full(len(self.products) + 1, -1, np.intp)
        rows[places] = np.arange(len(places))
        rows[-1] = -1
        return rows[self.places]

    def _is_in(self, product_id: str) -> NDArray[np.float64]:
        """(s,): 1 where a session had a product, else 0."""
        had = np.zeros(len(self.weights))
        had[self.sessions[self.places == self._known.get(product_id, -1)]] = 1.0
        return had


def confidence(scores: Mapping[str, float], neighbours: Neighbours, known: Collection[str]) -> float:
    """How far `co_visited` is to be believed, from 0 to 1: by how many sessions had the new product that it puts first.

    Args:
        scores: how much products go with the anchors.
        neighbours: whose they are.
        known: products that are not new: of those that sessions were chosen by, they say nothing.
    """
    first = max((one for one in scores if one not in known), key=scores.__getitem__, default="")
    return believed(neighbours.count_with(first) if first else 0, HALF_CONFIDENCE)


def believed(count: float, half: float) -> float:
    """How far something is to be believed that was seen so often, from 0 to 1. Args: half: so often, it is half."""
    return count**2 / (count**2 + half**2)


def beyond_popularity(scores: Mapping[str, float], popularity: Mapping[str, float]) -> dict[str, float]:
    """Scores less what products have for being bought by everybody. Args: popularity: in purchases of just now."""
    return {
        product_id: score * (popularity.get(product_id, 0.0) + 1.0) ** -COMMON_POWER
        for product_id, score in scores.items()
    }


def beyond_season(
    scores: Mapping[str, float], popularity: Mapping[str, float], usual: Mapping[str, float]
) -> dict[str, float]:
    """Scores more for what sells better just now than it usually did, and less for what sells worse.

    Args:
        popularity: in purchases of just now.
        usual: in how many sessions of `USUAL_DAYS` each product was.
    """
    return {
        product_id: score
        * ((popularity.get(product_id, 0.0) + FEW_SALES) / (usual[product_id] + FEW_SESSIONS)) ** SEASON_POWER
        for product_id, score in scores.items()
    }


def _coded(values: Sequence[bytes]) -> tuple[list[bytes], Places]:
    """The distinct values, in their order, and which of them each is, (n,)."""
    codes = {value: code for code, value in enumerate(dict.fromkeys(values))}
    return list(codes), np.fromiter(map(codes.__getitem__, values), np.intp, len(values))
