"""What a store of profiles has of a shopper's history."""

from __future__ import annotations

from indexer.ports.profiles import Interaction, ProfileStore


async def recent(profiles: ProfileStore, user_id: str) -> list[Interaction]:
    """A user's latest interactions, newest first."""
    (history,) = await profiles.histories([user_id])
    return history.interactions()
