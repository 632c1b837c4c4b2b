"""What people asked for, by their events: of whom nothing may be learnt. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from indexer.persons import Change, Person, with_change
from streams.events.schema import ProductData, UserData, UserForgotten, UserIdentified, UserProfiled


@dataclass(slots=True)
class Rights:
    """What people asked for."""

    forgotten_ms: dict[str, int] = field(default_factory=dict[str, int])
    learning: dict[str, tuple[Change, ...]] = field(default_factory=dict[str, tuple[Change, ...]])
    owners: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))
    """Of anonymous ids, the users to whom they were joined: what these ask for is for those too."""

    def hear(self, data: ProductData | UserData, time_ms: int) -> None:
        """Take note of an event. Args: time_ms: when it happened, Unix milliseconds."""
        if isinstance(data, UserForgotten):
            self.forgotten_ms[data.user_id] = max(time_ms, self.forgotten_ms.get(data.user_id, time_ms))
        elif isinstance(data, UserIdentified):
            self.owners[data.anonymous_id].add(data.user_id)
        elif isinstance(data, UserProfiled) and isinstance(data.learning, bool):
            change = Change(time_ms, int(data.learning))
            self.learning[data.user_id] = with_change(self.learning.get(data.user_id, ()), change)

    def refuses(self, user_id: str, time_ms: int) -> bool:
        """Whether what was done then under an id may not be learnt from, once all events were heard."""
        return any(
            time_ms <= self.forgotten_ms.get(known_id, -1)
            or not Person(self.learning.get(known_id, ())).is_learnt_from(time_ms)
            for known_id in (user_id, *self.owners.get(user_id, ()))
        )
