"""Which products were in one session with others, by the sessions that those were in. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

KIND_SHARES: Mapping[int, float] = {ord("v"): 0.5, ord("c"): 0.5, ord("l"): 0.7, ord("b"): 0.8, ord("p"): 1.0}
"""What a step of a session counts by the letter of its kind."""


class Company(NamedTuple):
    """How much speaks for a product, and which of the seeds most."""

    score: float
    seed: str


def in_company(seeds: Mapping[str, float], sessions: Mapping[str, Sequence[Sequence[bytes]]]) -> dict[str, Company]:
    """The products that were in sessions with the seeds, the seeds apart, by id.

    A session counts less the more there is in it, and a product less the more of the sessions it is in anyway.

    Args:
        seeds: how much each product counts.
        sessions: of each seed, what the sessions did that it was in: a kind's letter and a product in one.

    Source: Sarwar et al., 2001, "Item-Based Collaborative Filtering Recommendation Algorithms" (cosine, with each
    session normalised by its length).
    """
    parts: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for seed, weight in seeds.items():
        for product_id, share in _neighbours(sessions.get(seed, ())).items():
            if product_id not in seeds:
                parts[product_id][seed] = weight * share
    return {
        product_id: Company(sum(by_seed.values()), max(by_seed, key=by_seed.__getitem__))
        for product_id, by_seed in parts.items()
    }


def _neighbours(sessions: Sequence[Sequence[bytes]]) -> dict[str, float]:
    """What part of the sessions each product was in."""
    found: defaultdict[str, float] = defaultdict(float)
    for steps in sessions:
        strongest: dict[bytes, float] = {}
        for step in steps:
            strongest[step[1:]] = max(strongest.get(step[1:], 0.0), KIND_SHARES.get(step[0], 0.0))
        for product_id, share in strongest.items():
            found[product_id.decode()] += share / math.sqrt(len(strongest))
    return {product_id: total / len(sessions) for product_id, total in found.items()}
