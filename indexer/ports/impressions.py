"""The store of what answers showed, from which it is learnt what shoppers choose."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from msgspec import Struct


class Impression(Struct, frozen=True, array_like=True):
    """What one answer showed."""

    query_id: str
    """By which events name it."""
    time_ms: int
    """When it was answered, Unix milliseconds."""
    text: str
    """What was searched for; empty: no words."""
    offset: int
    """How many hits came before those that it showed."""
    variant: str
    """Of an experiment that it was part of; empty: none."""
    shown: bytes
    """Products and their features, as `indexer.shown_hits` packs them."""
    user_id: str = ""
    """Who asked; empty: nobody in particular."""


class ImpressionStore(Protocol):
    """What answers showed, for a day, bounded for all who name nobody and for each person.

    It may lose any of it at any time. A person's go when they are forgotten, and none is taken that was shown until
    then. Safe for concurrent use.
    Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def remember(self, impressions: Sequence[Impression]) -> None:
        """Add what answers showed."""
        ...

    async def of_person(self, user_id: str) -> list[Impression]:
        """What a person was shown, oldest first."""
        ...

    def all(self) -> AsyncIterator[Impression]:
        """All that is remembered, in any order; one that comes meanwhile may be missing."""
        ...
