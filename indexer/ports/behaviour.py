"""What shoppers do together and again: their sessions, and which sessions each product was in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, overload

from indexer.persons import Period
from indexer.ports.profiles import Interaction

KIND_LETTERS: Mapping[str, str] = {"viewed": "v", "clicked": "c", "liked": "l", "carted": "b", "purchased": "p"}
"""How a kind of interaction is written; one that is not listed makes no session."""


GAP_MS = 30 * 60_000
"""Somebody who did nothing for longer than this, and comes again, is on another visit."""


class Step(NamedTuple):
    """The latest time that a session did one thing to one product."""

    kind: str
    """A letter of `KIND_LETTERS`."""
    product_id: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """What one shopper did in one visit, oldest first."""

    ref: str
    """Names the session in the store, and nobody: see `session_ref`."""
    steps: Sequence[Step]


class Sighting(NamedTuple):
    """A session that a product was in."""

    ref: str
    time_ms: int
    """When the session last did anything to the product."""


@dataclass(frozen=True, slots=True)
class Sightings(Sequence[Sighting]):
    """The latest sessions that a product was in, newest first, as columns; one is an object only when it is asked for.

    A recommendation looks at some thousands of them.
    """

    refs: Sequence[bytes] = field(default_factory=list[bytes])
    times_ms: Sequence[float] = field(default_factory=list[float])
    """When the session last did anything to the product."""

    def __len__(self) -> int:
        return len(self.refs)

    @overload
    def __getitem__(self, at: int) -> Sighting: ...

    @overload
    def __getitem__(self, at: slice) -> Sightings: ...

    def __getitem__(self, at: int | slice) -> Sighting | Sightings:
        if isinstance(at, slice):
            return Sightings(self.refs[at], self.times_ms[at])
        return Sighting(self.refs[at].decode(), int(self.times_ms[at]))


def at_pace(count: int, oldest_ms: float, since_ms: int, now_ms: int) -> float:
    """How many sessions there were since a time if so many were since a later one. Args: times: Unix milliseconds."""
    return count * max(1.0, (now_ms - since_ms) / max(1.0, now_ms - oldest_ms))


class BehaviourStore(Protocol):
    """The latest sessions of every shopper, and the latest sessions of every product.

    A session is what one shopper did under one `session_id`. Without one, what they did within one day (UTC) is kept
    as one, and told by visit: it is parted wherever they did nothing for longer than `GAP_MS`. A session keeps each
    (kind, product) once, at its latest time, and of those the latest; a shopper keeps the latest sessions, and nothing
    from before the latest thing in a session that had to go; a product keeps the latest sessions that it is in. So all
    is bounded, and the same whatever the order, the repetitions and the batches of the events. Nothing counts that
    happened when its user was forgotten, or before; that a session took the place of an older one of a product stays
    so when it is forgotten or erased. Cancellation leaves a call done in part: repeat it. Safe for concurrent use.
    Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> None:
        """Add (user id, interaction) pairs.

        Raises:
            InvalidRecord: one of them cannot be stored; the others may or may not have been.
        """
        ...

    async def forget(self, forgotten: Sequence[tuple[str, int]]) -> None:
        """Erase, for each (user id, time ms), what the user did until then; keep ignoring it if it comes."""
        ...

    async def erase(self, periods: Sequence[tuple[str, Period]]) -> None:
        """Erase what each user did in a period; unlike what is forgotten, it is recorded if it comes again."""
        ...

    async def sessions_of(self, user_id: str, limit: int) -> list[Session]:
        """The user's latest sessions, at most `limit`, and all visits of the days among them, newest first."""
        ...

    async def session(self, user_id: str, session_id: str) -> Session:
        """One session of a user; without steps where there is none."""
        ...

    async def sightings(self, product_ids: Sequence[str], limit: int) -> list[Sightings]:
        """The latest sessions that each of these products was in, newest first: at most `limit` each."""
        ...

    async def usual(self, product_ids: Sequence[str], since_ms: int, now_ms: int) -> list[float]:
        """In how many sessions each of these products was from one time to another, Unix milliseconds.

        Of a product whose latest sessions do not reach back so far, as many as it would be at their pace.
        """
        ...

    async def steps(self, refs: Sequence[str]) -> list[Sequence[Sequence[bytes]]]:
        """What each session did, by visit, oldest first; none where it is gone.

        A step is a kind's letter and a product id in one.
        """
        ...
