"""The stores of what is known of people: what they did, the keys of what is kept of them, the lease to restore it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from indexer.persons import Person


class Interaction(Struct, frozen=True):
    """A shopper's click, like or purchase, by which results become personal."""

    event_id: str
    kind: str
    product_id: str
    time_ms: int
    source: str = ""
    """Whose `event_id` it is; ids are unique within their source."""
    session_id: str = ""
    """Of the visit that it was part of; empty: not told. `BehaviourStore` keeps it, histories do not."""
    query_id: str = ""
    """The answer that it was a reaction to; empty: not told. Histories do not keep it."""
    position: int | None = None
    """Where in that answer. Histories do not keep it."""


@dataclass(frozen=True, slots=True)
class TraitChange:
    """What an event says a shopper is like; None clears a trait."""

    event_id: str
    values: Mapping[str, str | None]
    time_ms: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class LearningChange:
    """Whether a shopper may be learnt from, as of a time. Of two changes at one time, the one that forbids counts."""

    is_allowed: bool
    time_ms: int


@dataclass(frozen=True, slots=True)
class Identification:
    """The fact that somebody who was known by an anonymous id is a certain user."""

    anonymous_id: str
    time_ms: int


class History(Protocol):
    """A user's latest interactions as a store has them: whether two have the same is known without reading either."""

    def __len__(self) -> int:
        """0 where there are none."""
        ...

    def interactions(self) -> list[Interaction]:
        """All of them, newest first."""
        ...


class ProfileStore(Protocol):
    """What shoppers did and are like: the same whatever the order, the repetitions and the batches of the events.

    A user has what was done under their own id and under the anonymous ids that were joined to it, see
    `indexer.persons`. Nothing is recorded of what they do while they are opted out of learning, and nobody reads what
    was recorded before; both as of the events' times, whatever comes first. Under an anonymous id, that is so while any
    of the users is opted out to whom it is joined. What was refused is kept nowhere: where it becomes known later that
    it was allowed again by then, it has to come again to count.

    Idempotent by (source, event id), bounded a user. A user's history is their latest interactions by (time, source,
    id). Once it is full, an interaction from before the oldest kept is ignored altogether, so that none counts again
    that was counted and has made room since. Nothing counts that happened when its user was forgotten, or before.
    Cancellation leaves a call done in part: repeat it. Safe for concurrent use.
    Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> list[bool]:
        """Add (user id, interaction) pairs; a repeated event keeps the latest of its times.

        Returns:
            Which of them may be learnt from: not what was done before one was forgotten, nor while one was opted out.

        Raises:
            InvalidRecord: one of them cannot be stored; the others may or may not have been.
        """
        ...

    async def set_traits(self, changes: Sequence[tuple[str, TraitChange]]) -> None:
        """Apply (user id, change) pairs; each trait keeps its latest value by (time, source, id), null clears it.

        A user keeps as many traits as `indexer.redis.shoppers.profiles.TRAITS`, cleared ones included: the latest.

        Raises:
            InvalidRecord: one of them cannot be stored; the others may or may not have been.
        """
        ...

    async def set_learning(self, changes: Sequence[tuple[str, LearningChange]]) -> None:
        """Apply (user id, change) pairs; what was recorded of a time when it was not allowed is erased.

        A user who is forgotten stays opted out: the changes are kept under the hash of their id.
        """
        ...

    async def identify(self, identified: Sequence[tuple[str, Identification]]) -> None:
        """Join anonymous ids to users; an id that is joined to itself stays as it is."""
        ...

    async def forget(self, forgotten: Sequence[tuple[str, int]]) -> None:
        """Erase, for each (user id, time ms), what the user did and was like until then; keep ignoring it if it comes.

        So it is with the anonymous ids that are joined to the user, and with those that will be as of a time before.
        The keys of their dead letters are destroyed. What they added to popularity stays: it names nobody.
        """
        ...

    async def interactions_of(self, user_id: str) -> list[Interaction]:
        """What is stored of what was done under this very id, newest first, whether or not it may be learnt from."""
        ...

    async def person(self, user_id: str) -> Person:
        """Which anonymous ids are joined to a user, and whether they may be learnt from."""
        ...

    async def forgotten_ms(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Until when which of these users are forgotten, Unix milliseconds; as long as that is remembered."""
        ...

    async def histories(self, user_ids: Sequence[str]) -> list[History]:
        """The latest interactions of each user, in one round trip."""
        ...

    async def traits(self, user_id: str) -> dict[str, str]:
        """A user's traits, those of the anonymous ids that are joined to it among them."""
        ...

    async def latest_ms(self, user_id: str) -> int | None:
        """When the latest thing known under this very id happened, Unix milliseconds; None: nothing is known."""
        ...

    async def popular(self, limit: int) -> list[str]:
        """The products that shoppers interacted with most of late, most first."""
        ...

    async def popularity(self, product_ids: Sequence[str], now_ms: int) -> list[float]:
        """How much shoppers interacted with each product of late: 1 for a purchase just now, half of it a week ago.

        Args:
            product_ids: whose; 0 for those that are not among the most popular 10,000.
            now_ms: Unix milliseconds.
        """
        ...


@dataclass(frozen=True, slots=True)
class PersonKey:
    """What a person's dead letters are encrypted with."""

    name: str
    """Random, says nothing of the person."""
    key: bytes


class PersonKeys(Protocol):
    """A key for each person, for as long as the profile store has not forgotten them.

    Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def keys_of(self, persons: Sequence[tuple[str, int]]) -> list[PersonKey | None]:
        """The key of each (user id, time ms), made where there is none; None: what they did then is forgotten."""
        ...

    async def key_of_unknown(self) -> PersonKey:
        """The key of today, for what is somebody's and does not say whose; it goes after a time."""
        ...

    async def find(self, names: Sequence[str]) -> dict[str, bytes]:
        """The keys that are still there, by name. Raises `Undecryptable` when the secret is not the one they have."""
        ...


class RestoreLease(Protocol):
    """Whether profiles have to be restored, and the right to do it, which one worker has at a time.

    The store itself remembers that its profiles are whole: a store that is new, or lost its data, does not.
    A lease that is not renewed in time ends, and somebody else may take it.
    Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def is_needed(self) -> bool:
        """Whether the store does not know its profiles to be whole."""
        ...

    async def take(self) -> bool:
        """Take the lease, if a restore is needed and nobody has it."""
        ...

    async def renew(self) -> bool:
        """Keep the lease; False: it is lost."""
        ...

    async def complete(self) -> bool:
        """Note that profiles are whole, and give the lease back; False: it is lost, and nothing was noted."""
        ...

    async def release(self) -> None:
        """Give the lease back, if it is still held."""
        ...
