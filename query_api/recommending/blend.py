"""What behaviour suggests to a shopper: products, what each source says of them, and one score of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Scores = Mapping[str, float]
"""By product id, above 0."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """Products by source, each source's scores on a scale of its own."""

    habits: Scores = field(default_factory=dict[str, float])
    """Of what the shopper bought before: how likely it is again."""
    together: Scores = field(default_factory=dict[str, float])
    """How much goes with what the shopper did, in the sessions of others."""
    following: Scores = field(default_factory=dict[str, float])
    """How likely a session goes on with a product."""
    popular: Scores = field(default_factory=dict[str, float])
    """What everybody buys just now."""
    known: frozenset[str] = frozenset()
    """What the session, or the shopper, has already."""
    causes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of products, what the shopper did something to and that speaks most for them."""
    confidence: float = 1.0
    """How far `together` is to be believed, from 0 to 1; where it is not, what is popular stands in for it."""
    habit_strength: float = 0.0
    """How far people of this shop buy again what they bought: from 0, hardly, to 1."""

    @property
    def shares(self) -> dict[str, float]:
        """What counts of the weights of sources, where that is not all."""
        return {"habits": self.habit_strength, "together": self.confidence, "popular": 1.02 - self.confidence}

    def parts(self) -> dict[str, Scores]:
        """The sources by name, as a ranker's features are called."""
        return {
            "habits": self.habits,
            "together": self.together,
            "following": self.following,
            "popular": self.popular,
        }


@dataclass(frozen=True, slots=True)
class BlendWeights:
    """What the best of each source counts."""

    habits: float
    together: float
    following: float
    popular: float


FOR_YOU = BlendWeights(habits=1.0, together=0.4, following=0.3, popular=0.4)
CONTINUE = BlendWeights(habits=0.8, together=1.0, following=3.0, popular=0.4)


def blend(suggested: Suggested, weights: BlendWeights) -> dict[str, float]:
    """One score by product id, best first: each source's relative to its best, times its weight.

    What the shopper knows already is left out, unless it is a habit of theirs that they do not have in the session.

    Source: Bruch, Gai and Ingber, 2023, "An Analysis of Fusion Functions for Hybrid Retrieval" (convex combination).
    """
    scores: dict[str, float] = {}
    for name, part in suggested.parts().items():
        scale = getattr(weights, name) / (max(part.values(), default=0.0) or 1.0)
        scale *= suggested.shares.get(name, 1.0)
        for product_id, score in part.items():
            if product_id not in suggested.known or product_id in suggested.habits:
                scores[product_id] = scores.get(product_id, 0.0) + scale * score
    return dict(sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])))
