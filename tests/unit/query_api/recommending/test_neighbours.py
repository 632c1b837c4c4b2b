"""Neighbours as columns say what their definition says, session by session."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.ports.behaviour import Sightings
from query_api.recommending.habits import decay
from query_api.recommending.neighbours import (
    HALF_CONFIDENCE,
    HALF_LIFE_DAYS,
    OVERLAP_POWER,
    RARITY_POWER,
    Neighbours,
    anchor_shares,
    believed,
    confidence,
    nearest_sessions,
    nearest_visits,
)

NOW_MS, DAY_MS = 1_795_000_000_000, 86_400_000
PRODUCTS = "abcdef"
sessions_ = st.lists(
    st.lists(st.sampled_from([kind + one for kind in "cp" for one in PRODUCTS]), max_size=6), max_size=8
)
anchors_ = st.dictionaries(st.sampled_from(PRODUCTS), st.sampled_from([0.5, 1.0, 1.7]), max_size=4)


def plain_weights(anchors: Mapping[str, float], seen: Mapping[str, Sequence[str]], now_ms: int) -> dict[str, float]:
    """What sessions, all of the same age of a day, weigh."""
    overlaps: dict[str, float] = defaultdict(float)
    for product, weight in anchors.items():
        for ref in seen[product]:
            overlaps[ref] += weight * len(seen[product]) ** -RARITY_POWER
    return {ref: one**OVERLAP_POWER * decay(now_ms, now_ms - DAY_MS, HALF_LIFE_DAYS) for ref, one in overlaps.items()}


def plain_scores(weights: Mapping[str, float], baskets: Mapping[str, set[str]]) -> dict[str, float]:
    scores: dict[str, float] = defaultdict(float)
    for ref, weight in weights.items():
        for product in baskets[ref]:
            scores[product] += weight / len(baskets[ref])
    return dict(scores)


def plain_tally(
    weights: Mapping[str, float], baskets: Mapping[str, set[str]], anchors: Mapping[str, float], product: str
) -> dict[str, float]:
    """How much each anchor speaks for a product."""
    tally: dict[str, float] = defaultdict(float)
    for ref, weight in weights.items():
        for anchor in (baskets[ref] & anchors.keys()) - {product} if product in baskets[ref] else ():
            tally[anchor] += weight * anchors[anchor]
    return tally


@given(rows=sessions_, anchors=anchors_)
def test_neighbours_as_columns_are_those_of_the_definition(rows: list[list[str]], anchors: dict[str, float]) -> None:
    baskets = {f"s{at}": {step[1:] for step in row} for at, row in enumerate(rows)}
    seen = {product: [ref for ref, basket in baskets.items() if product in basket] for product in PRODUCTS}
    sightings = [
        Sightings([ref.encode() for ref in seen[anchor]], [NOW_MS - DAY_MS] * len(seen[anchor])) for anchor in anchors
    ]
    shares = anchor_shares(anchors, sightings)
    weights = nearest_sessions(shares, sightings, NOW_MS, 100)
    assert weights == pytest.approx(plain_weights(anchors, seen, NOW_MS))
    assert list(weights.values()) == sorted(weights.values(), reverse=True)

    told = [[[step.encode() for step in rows[int(ref[1:])]]] for ref in weights]
    neighbours = Neighbours.of(*nearest_visits(weights, told, shares))
    scores = neighbours.co_visited(100)
    assert scores == pytest.approx(plain_scores(weights, baskets))
    causes = neighbours.nearest_anchors(anchors, list(PRODUCTS))
    for product in PRODUCTS:
        tally = plain_tally(weights, baskets, anchors, product)
        assert tally[causes[product]] == pytest.approx(max(tally.values())) if tally else product not in causes
    new = [product_id for product_id in scores if product_id not in anchors]
    with_first = sum(new[0] in baskets[ref] for ref in weights) if new else 0
    assert confidence(scores, neighbours, set(anchors)) == believed(with_first, HALF_CONFIDENCE)
