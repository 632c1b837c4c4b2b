"""What a shopper did before, and what of it they are likely to do again. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from indexer.ports.behaviour import KIND_LETTERS, Session
from indexer.redis.shoppers.popularity import KIND_WEIGHTS

DAY_MS = 86_400_000
HABIT_HALF_LIFE_DAYS, INTEREST_HALF_LIFE_DAYS = 240.0, 60.0
SIZE_POWER = 0.3
"""A purchase among many says less of what is bought again."""
FRESHNESS_POWER, HABIT_POWER = 0.5, 0.7
"""How much it counts that others buy a product just now, and how much more the strongest habits count than weaker."""
NO_SALES = 0.1
"""What a product that nobody buys just now counts as, in purchases."""
PURCHASED = KIND_LETTERS["purchased"]
LETTER_WEIGHTS = {letter: KIND_WEIGHTS[kind] / KIND_WEIGHTS["purchased"] for kind, letter in KIND_LETTERS.items()}
"""What each kind of interaction says beside a purchase."""


def purchase_weights(sessions: Sequence[Session], now_ms: int) -> dict[str, float]:
    """How much a shopper bought each product, by product id: each session's purchases fade, and share in part.

    Args:
        sessions: the shopper's own.
        now_ms: Unix milliseconds.

    Source: Hu et al., 2020, "Modeling Personalized Item Frequency Information for Next-basket Recommendation".
    """
    weights: dict[str, float] = defaultdict(float)
    for session in sessions:
        bought = [step for step in session.steps if step.kind == PURCHASED]
        for step in bought:
            weights[step.product_id] += decay(now_ms, step.time_ms, HABIT_HALF_LIFE_DAYS) * len(bought) ** -SIZE_POWER
    return dict(weights)


def habit_scores(weights: Mapping[str, float], popularity: Mapping[str, float]) -> dict[str, float]:
    """How likely each product is bought again, as others buy it too.

    Args:
        weights: `purchase_weights`.
        popularity: of these products, in purchases of just now.
    """
    return {
        product_id: (weight**HABIT_POWER) * (popularity.get(product_id, 0.0) + NO_SALES) ** FRESHNESS_POWER
        for product_id, weight in weights.items()
    }


def repeat_share(visits: Iterable[tuple[str, Sequence[bytes]]]) -> float:
    """Which part of what people buy they had bought before, as far as these visits tell; 0 where they tell nothing.

    Args:
        visits: whose each is, and what it did, as `BehaviourStore.steps` tells it, oldest first.
    """
    before: dict[str, set[bytes]] = {}
    again = all_ = 0
    for owner, steps in visits:
        bought = {step[1:] for step in steps if step[:1] == PURCHASED.encode()}
        known = before.setdefault(owner, set())
        if known and bought:
            again += len(known & bought)
            all_ += len(bought)
        known |= bought
    return again / all_ if all_ else 0.0


def interest_weights(sessions: Sequence[Session], now_ms: int) -> dict[str, float]:
    """How much each product that a shopper did anything to says of what they want, by product id."""
    weights: dict[str, float] = defaultdict(float)
    for session in sessions:
        strongest: dict[str, float] = {}
        for step in session.steps:
            weight = LETTER_WEIGHTS[step.kind] * decay(now_ms, step.time_ms, INTEREST_HALF_LIFE_DAYS)
            strongest[step.product_id] = max(weight, strongest.get(step.product_id, 0.0))
        for product_id, weight in strongest.items():
            weights[product_id] += weight
    return dict(weights)


def decay(now_ms: int, time_ms: int, half_life_days: float) -> float:
    """What is left of something by now, of 1."""
    return 0.5 ** (max(0, now_ms - time_ms) / DAY_MS / half_life_days)
