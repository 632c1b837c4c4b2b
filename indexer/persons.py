"""Who somebody is under several ids, and whether they may be learnt from. Pure.

The scripts in `indexer.redis.shoppers.person_scripts` do the same within Redis. Each part of a person is a map that
only grows (the latest time by id, the set of changes), so that it is the same in whatever order events come.

What is done under an anonymous id is not learnt from while any of its owners is opted out. Whose of them it is may
change with the next login that becomes known, and what was refused is kept nowhere: were it refused for one owner and
taken for another, whether it is there would depend on which login was told first.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

MAX_ANONYMOUS_IDS = 64
"""How many anonymous ids are joined to a user, the latest; what was done under those before is forgotten."""
MAX_OWNERS = 16
"""To how many users one anonymous id is joined, the latest; what was done under it before is forgotten."""
MAX_LEARNING_CHANGES = 32
"""How many changes of whether a user may be learnt from are kept: first those go that change nothing."""
ALWAYS_MS = 2.0**63
"""Later than all that happens."""


class Link(NamedTuple):
    """An id at the other end of an identification."""

    user_id: str
    hash: str
    """What stands for it once it is forgotten (`PrivacyConfig.hash_of`)."""
    time_ms: int
    """The latest identification of the two."""


class Change(NamedTuple):
    """Whether somebody may be learnt from, as of a time."""

    time_ms: int
    is_allowed: int
    """1 or 0."""


class Period(NamedTuple):
    """From one time to another, both included, Unix milliseconds."""

    since_ms: float
    until_ms: float


class Person(Struct, frozen=True):
    """What is known of an id besides what was done under it; each list in the order of time."""

    learning: tuple[Change, ...] = ()
    owners: tuple[Link, ...] = ()
    """The users to whom it was joined: it is an anonymous id."""
    anonymous: tuple[Link, ...] = ()
    """The anonymous ids that were joined to it."""

    def is_learnt_from(self, time_ms: float = ALWAYS_MS) -> bool:
        """Whether what they did then may be learnt from; by default, whether it may be now."""
        before = [change for change in self.learning if change.time_ms <= time_ms]
        return not before or bool(before[-1].is_allowed)

    def owner_at(self, time_ms: float = ALWAYS_MS) -> Link | None:
        """The owner of what was done under this id at a time: who logged in next, else who did last."""
        last = self.owners[-1] if self.owners else None
        return next((owner for owner in self.owners if owner.time_ms >= time_ms), last)

    @property
    def opted_out(self) -> list[Period]:
        """When they did not want to be learnt from."""
        ends_ms = [change.time_ms - 1 for change in self.learning[1:]] + [ALWAYS_MS]
        spans = zip(self.learning, ends_ms, strict=True) if self.learning else ()
        return [Period(change.time_ms, end_ms) for change, end_ms in spans if not change.is_allowed]

    @property
    def times_ms(self) -> list[int]:
        """When what is known happened, Unix milliseconds."""
        return [change.time_ms for change in self.learning] + [link.time_ms for link in self.owners + self.anonymous]

    @property
    def anonymous_ids(self) -> list[str]:
        """The ids that were joined to it, the latest last."""
        return [link.user_id for link in self.anonymous]


NOBODY = Person()
"""Of whom nothing is known."""


def with_change(changes: Iterable[Change], new: Change) -> tuple[Change, ...]:
    """The changes with another one; of those at the same time, the one that forbids comes last and counts."""
    ordered = sorted({*changes, new}, key=lambda change: (change.time_ms, -change.is_allowed))
    if len(ordered) > MAX_LEARNING_CHANGES:
        states = pairwise([1, *(change.is_allowed for change in ordered)])
        same = (at for at, (before, after) in enumerate(states) if before == after)
        del ordered[next(same, 0)]
    return tuple(ordered)


def with_link(links: Iterable[Link], new: Link) -> tuple[Link, ...]:
    """The links with another one, each with the latest of its times."""
    latest = {link.user_id: link for link in links}
    if new.user_id not in latest or latest[new.user_id].time_ms < new.time_ms:
        latest[new.user_id] = new
    return tuple(sorted(latest.values(), key=lambda link: (link.time_ms, link.user_id.encode())))
