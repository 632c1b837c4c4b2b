"""How long background work rests, so that shoppers have the servers in between."""

from __future__ import annotations

MAX_REST_S = 2.0
"""Work that took long waited for a server that was away, and took nothing from anybody meanwhile."""


def rest_s(worked_s: float, share: float) -> float:
    """Seconds to rest after so many of work, for it to take a share in (0, 1] of the time."""
    return min(MAX_REST_S, worked_s * (1 / share - 1))
