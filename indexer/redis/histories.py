"""How shoppers' histories are written in Redis: sorted sets by time, whose members tell all else of an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

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
        is_paired = bool(self.stored) and isinstance(self.stored[0], list)
        pairs = self.stored if is_paired else zip(self.stored[::2], self.stored[1::2], strict=True)
        return [_interaction(member, float(time_ms)) for member, time_ms in pairs]


def pack_member(interaction: Interaction) -> bytes:
    """All of an interaction but its time."""
    return msgspec.json.encode((interaction.source, interaction.event_id, interaction.kind, interaction.product_id))


def _interaction(member: bytes, time_ms: float) -> Interaction:
    source, event_id, kind, product_id = _members.decode(member)
    return Interaction(event_id, kind, product_id, int(time_ms), source)


_members = msgspec.json.Decoder(tuple[str, str, str, str])
