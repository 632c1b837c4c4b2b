"""Visits: what shoppers did on one day outside of sessions, parted where they paused. Pure.

Days are kept, and parted when they are read: so visits are the same whatever the order in which events came.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from indexer.ports.behaviour import GAP_MS, Session
from indexer.redis.behaviour.refs import is_day


def visits_of(session: Session) -> list[Session]:
    """The visits of a day, oldest first; a session that has an id is one, and what did nothing is none."""
    if not session.steps or not is_day(session.ref):
        return [session] if session.steps else []
    parts = between_pauses([step.time_ms for step in session.steps])
    return [Session(session.ref, session.steps[part]) for part in parts]


def between_pauses(times_ms: Sequence[float]) -> Iterator[slice]:
    """Where the visits are among things done at these times, which ascend."""
    began = 0
    for at in range(1, len(times_ms) + 1):
        if at == len(times_ms) or times_ms[at] - times_ms[at - 1] > GAP_MS:
            yield slice(began, at)
            began = at
