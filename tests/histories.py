"""What shoppers do, and what a store of profiles has of it."""

from __future__ import annotations

from indexer.ports.profiles import Interaction, ProfileStore

NOW_MS = 1_795_000_000_000


def clicked(event_id: str, product_id: str = "p", time_ms: int = NOW_MS, kind: str = "clicked") -> Interaction:
    """Something that a shopper did."""
    return Interaction(event_id, kind, product_id, time_ms)


async def recent(profiles: ProfileStore, user_id: str) -> list[Interaction]:
    """A user's latest interactions, newest first."""
    (history,) = await profiles.histories([user_id])
    return history.interactions()
