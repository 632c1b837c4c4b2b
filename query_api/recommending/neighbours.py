"""What other sessions did that had the same products: co-visitation, and sessions' nearest neighbours, in one. Pure.

A session that shares more of a shopper's products counts more than the sum of what it shares.
Source: Jannach & Ludewig, 2017, "When Recurrent Neural Networks meet the Neighborhood for Session-Based
Recommendation".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from indexer.ports.behaviour import Sighting
from query_api.recommending.habits import decay

HALF_LIFE_DAYS = 120.0
OVERLAP_POWER = 1.3
"""1: sessions count by the sum of what they share; above: the nearest count more."""
RARITY_POWER = 0.3
"""How much less a product says that is in many sessions."""
HALF_CONFIDENCE = 5
"""What was seen in so many sessions together with what is known is half believed."""
COMMON_POWER = 0.25
"""How much less a product is worth that everybody buys anyway."""


def nearest_sessions(
    anchors: Mapping[str, float], sightings: Sequence[Sequence[Sighting]], now_ms: int, limit: int
) -> dict[str, float]:
    """The sessions that have most of a shopper's products, and their weights, by ref.

    Args:
        anchors: how much each product says of what the shopper wants.
        sightings: the latest sessions of each anchor, in their order.
        now_ms: Unix milliseconds.
        limit: how many sessions are wanted.
    """
    overlaps: dict[str, float] = defaultdict(float)
    latest_ms: dict[str, int] = {}
    for weight, seen in zip(anchors.values(), sightings, strict=True):
        share = weight * max(1, len(seen)) ** -RARITY_POWER
        for ref, time_ms in seen:
            overlaps[ref] += share
            latest_ms[ref] = time_ms
    weights = {
        ref: overlap**OVERLAP_POWER * decay(now_ms, latest_ms[ref], HALF_LIFE_DAYS) for ref, overlap in overlaps.items()
    }
    best = sorted(weights, key=lambda ref: -weights[ref])[:limit]
    return {ref: weights[ref] for ref in best}


def products_of(rows: Sequence[Sequence[bytes]]) -> list[set[bytes]]:
    """The products of sessions. Args: rows: what each did, as `BehaviourStore.steps` gives them."""
    return [{step[1:] for step in row} for row in rows]


def co_visited(weights: Mapping[str, float], baskets: Sequence[set[bytes]]) -> dict[str, float]:
    """How much the products of sessions go with the anchors, by product id.

    Args:
        weights: of the sessions, as `nearest_sessions` gives them.
        baskets: the products of each, in the same order.
    """
    scores: dict[bytes, float] = defaultdict(float)
    for weight, products in zip(weights.values(), baskets, strict=True):
        share = weight / max(1, len(products))
        for product_id in products:
            scores[product_id] += share
    return {product_id.decode(): score for product_id, score in scores.items()}


def confidence(scores: Mapping[str, float], baskets: Sequence[set[bytes]], known: Collection[str]) -> float:
    """How far `co_visited` is to be believed, from 0 to 1: by how many sessions had the new product that it puts first.

    Args:
        scores, baskets: `co_visited`, and what it takes.
        known: products that are not new: of those that sessions were chosen by, they say nothing.
    """
    first = max((one for one in scores if one not in known), key=scores.__getitem__, default="").encode()
    return believed(sum(first in products for products in baskets), HALF_CONFIDENCE)


def believed(count: float, half: float) -> float:
    """How far something is to be believed that was seen so often, from 0 to 1. Args: half: so often, it is half."""
    return count**2 / (count**2 + half**2)


def nearest_anchors(
    weights: Mapping[str, float], baskets: Sequence[set[bytes]], anchors: Mapping[str, float], wanted: Sequence[str]
) -> dict[str, str]:
    """Of products, the anchor that was most in one session with each; absent where none was.

    Args:
        weights, baskets: as `co_visited` takes them.
        anchors: as `nearest_sessions` takes them.
        wanted: the products.
    """
    names = {product_id.encode() for product_id in wanted}
    shares = {product_id.encode(): weight for product_id, weight in anchors.items()}
    tallies: defaultdict[bytes, dict[bytes, float]] = defaultdict(dict)
    for weight, products in zip(weights.values(), baskets, strict=True):
        if found := names & products:
            here = shares.keys() & products
            for product_id in found:
                tally = tallies[product_id]
                for anchor in here - {product_id}:
                    tally[anchor] = tally.get(anchor, 0.0) + weight * shares[anchor]
    return {name.decode(): max(tally, key=tally.__getitem__).decode() for name, tally in tallies.items() if tally}


def beyond_popularity(scores: Mapping[str, float], popularity: Mapping[str, float]) -> dict[str, float]:
    """Scores less what products have for being bought by everybody. Args: popularity: in purchases of just now."""
    return {
        product_id: score * (popularity.get(product_id, 0.0) + 1.0) ** -COMMON_POWER
        for product_id, score in scores.items()
    }
