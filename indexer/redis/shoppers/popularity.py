"""What an interaction adds to the popularity of its product. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from indexer.ports.profiles import Interaction

KIND_WEIGHTS = {"viewed": 1.0, "clicked": 2.0, "liked": 4.0, "carted": 6.0, "purchased": 10.0}
HALF_LIFE_S = 7 * 86_400
POPULARITY_EPOCH_S = 1_735_689_600
"""2025-01-01, Unix seconds; weights grow from here."""


def popularity_weight(interaction: Interaction) -> float:
    """What an interaction adds to its product's popularity.

    Later ones weigh more instead of older ones decaying, so nothing has to be rewritten as time passes.
    Source: Cormode et al., 2009, "Forward Decay: A Practical Time Decay Model for Streaming Systems".
    """
    return KIND_WEIGHTS.get(interaction.kind, 0.0) * growth(interaction.time_ms)


def growth(time_ms: int) -> float:
    """How much more something counts at a time, Unix milliseconds, than at the epoch."""
    return 2.0 ** ((time_ms / 1000 - POPULARITY_EPOCH_S) / HALF_LIFE_S)


def purchases_now(popularities: Iterable[float | None], now_ms: int) -> list[float]:
    """The popularities of products as purchases of just now; None: it has none."""
    one = growth(now_ms) * KIND_WEIGHTS["purchased"]
    return [(popularity or 0.0) / one for popularity in popularities]
