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
    taste: Scores = field(default_factory=dict[str, float])
    """How near the shopper's taste, what is and how it looks."""
    known: frozenset[str] = frozenset()
    """What the session, or the shopper, has already."""
    causes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of products, what the shopper did something to and that speaks most for them."""
    confidence: float = 1.0
    """How far `together` is to be believed, from 0 to 1; where it is not, taste and what is popular stand in for it."""
    following_confidence: float = 1.0
    """The same of `following`."""
    taste_confidence: float = 0.0
    """The same of `taste`."""
    habit_strength: float = 0.0
    """How far people of this shop buy again what they bought: from 0, hardly, to 1."""

    @property
    def shares(self) -> dict[str, float]:
        """What counts of the weights of sources, where that is not all.

        Where people buy the same again and again, as in a supermarket, baskets are filled from all shelves, and what
        they bought says nothing of what else they want: on such a log, R@20 fell from .077 to .063 by categories.
        """
        taste = self.taste_confidence * (1.0 - self.confidence) * (1.0 - self.habit_strength)
        return {
            "habits": self.habit_strength,
            "together": self.confidence,
            "following": self.following_confidence,
            "popular": 1.02 - self.confidence - taste,
            "taste": taste,
        }

    def parts(self) -> dict[str, Scores]:
        """The sources by name, as a ranker's features are called."""
        return {
            "habits": self.habits,
            "together": self.together,
            "following": self.following,
            "popular": self.popular,
            "taste": self.taste,
        }


@dataclass(frozen=True, slots=True)
class BlendWeights:
    """What the best of each source counts."""

    habits: float
    together: float
    following: float
    popular: float
    taste: float = 0.0


FOR_YOU = BlendWeights(habits=1.0, together=0.4, following=0.3, popular=0.4, taste=0.4)
CONTINUE = BlendWeights(habits=0.8, together=1.0, following=3.0, popular=0.4)


def blend(suggested: Suggested, weights: BlendWeights) -> dict[str, float]:
    """One score by product id, best first: each source's relative to its best, times its weight.

    What the shopper knows already is left out, unless it is a habit of theirs that they do not have in the session.

    Source: Bruch, Gai and Ingber, 2023, "An Analysis of Fusion Functions for Hybrid Retrieval" (convex combination).
    """
    scores: dict[str, float] = {}
    for name, part in suggested.parts().items():
        scale = _scale(name, suggested, weights)
        for product_id, score in part.items():
            if product_id not in suggested.known or product_id in suggested.habits:
                scores[product_id] = scores.get(product_id, 0.0) + scale * score
    # Equal ones by product id: a stable sort leaves them as they are.
    return {one: scores[one] for one in sorted(sorted(scores), key=scores.__getitem__, reverse=True)}


def led_by_taste(suggested: Suggested, weights: BlendWeights, scores: Scores) -> set[str]:
    """The products that taste says at least half for. Args: scores: as `blend` gives them."""
    scale = _scale("taste", suggested, weights)
    return {one for one, score in suggested.taste.items() if one in scores and 2 * scale * score >= scores[one]}


def _scale(name: str, suggested: Suggested, weights: BlendWeights) -> float:
    """What a source's scores are multiplied by."""
    best = max(suggested.parts()[name].values(), default=0.0)
    return getattr(weights, name) * suggested.shares[name] / (best or 1.0)
