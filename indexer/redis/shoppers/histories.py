"""How shoppers' histories are written in Redis: sorted sets by time, whose members tell all else of an event; and how
those of somebody's several ids are read as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any

import msgspec

from indexer.persons import Person
from indexer.ports.profiles import Interaction


@dataclass(frozen=True, slots=True)
class PackedHistory:
    """`History` as Redis tells it: comparing two of them reads neither."""

    stored: Sequence[Any]
    """Members and times: in pairs, or in the second version of the protocol one after the other."""

    def __len__(self) -> int:
        return len(self.stored)

    def interactions(self) -> list[Interaction]:
        """All of them, newest first."""
        return [_interaction(member, time_ms) for time_ms, member in self.timed()]

    def timed(self) -> list[tuple[float, bytes]]:
        """Times, Unix milliseconds, and members, newest first."""
        is_paired = bool(self.stored) and isinstance(self.stored[0], list)
        pairs = self.stored if is_paired else zip(self.stored[::2], self.stored[1::2], strict=True)
        return [(float(time_ms), member) for member, time_ms in pairs]


def merged(
    user_id: str,
    person: Person,
    own: PackedHistory,
    others: Mapping[str, tuple[Person, PackedHistory]],
    length: int,
) -> PackedHistory:
    """What somebody did under all of their ids; nothing where they, or those to whom they were joined, opted out.

    Args:
        user_id, person, own: the id, who it is, and what was done under it.
        others: the same of each id that it is joined to.
        length: how many are kept, the newest.
    """
    owners = [others[link.user_id][0] for link in person.owners]
    if not all(concerned.is_learnt_from() for concerned in (person, *owners)):
        return PackedHistory([])
    if not person.anonymous:
        return own
    parts = [own.timed()]
    for link in person.anonymous:
        visitor, history = others[link.user_id]
        parts.append([entry for entry in history.timed() if _is_whose(visitor, entry[0], user_id)])
    newest = islice(merge(*parts, reverse=True), length)
    return PackedHistory([[member, time_ms] for time_ms, member in newest])


def _is_whose(visitor: Person, time_ms: float, user_id: str) -> bool:
    owner = visitor.owner_at(time_ms)
    return owner is not None and owner.user_id == user_id


def pack_member(interaction: Interaction) -> bytes:
    """The member by which an interaction is recognised: what it is, but not its time, nor what it was part of."""
    return msgspec.json.encode((interaction.source, interaction.event_id, interaction.kind, interaction.product_id))


def _interaction(member: bytes, time_ms: float) -> Interaction:
    source, event_id, kind, product_id = _members.decode(member)
    return Interaction(event_id, kind, product_id, int(time_ms), source)


_members = msgspec.json.Decoder(tuple[str, str, str, str])
