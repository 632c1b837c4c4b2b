"""What behaviour suggests to a shopper: products, with what each source says of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Scores = Mapping[str, float]
"""By product id, above 0."""


@dataclass(frozen=True, slots=True)
class Suggestions:
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
    degraded: tuple[str, ...] = ()
    """`personalisation` where Redis did not answer."""

    def parts(self) -> dict[str, Scores]:
        """The sources by name, as a ranker's features are called."""
        return {
            "habits": self.habits,
            "together": self.together,
            "following": self.following,
            "popular": self.popular,
        }


NOTHING = Suggestions()


@dataclass(frozen=True, slots=True)
class BlendWeights:
    """What the best of each source counts."""

    habits: float
    together: float
    following: float
    popular: float


FOR_YOU = BlendWeights(habits=1.0, together=0.35, following=0.3, popular=0.02)
CONTINUE = BlendWeights(habits=0.8, together=1.0, following=1.0, popular=0.02)


def blend(suggestions: Suggestions, weights: BlendWeights) -> dict[str, float]:
    """One score by product id: each source's relative to its best, times its weight.

    Source: Bruch, Gai and Ingber, 2023, "An Analysis of Fusion Functions for Hybrid Retrieval" (convex combination).
    """
    scores: dict[str, float] = {}
    for name, part in suggestions.parts().items():
        scale = getattr(weights, name) / max(part.values(), default=1.0)
        for product_id, score in part.items():
            scores[product_id] = scores.get(product_id, 0.0) + scale * score
    return scores
