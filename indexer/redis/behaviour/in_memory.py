"""`InMemoryBehaviourStore`: the double of `RedisBehaviourStore` within one process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from indexer.persons import Period
from indexer.ports.behaviour import KIND_LETTERS, Session, Sightings, Step, at_pace
from indexer.ports.profiles import Interaction
from indexer.privacy import PrivacyConfig
from indexer.redis.behaviour.refs import owner_of, ref_of, session_ref
from indexer.redis.behaviour.store import DEFAULT_BOUNDS, BehaviourBounds
from indexer.redis.behaviour.visits import visits_of

_PRIVACY = PrivacyConfig()


class InMemoryBehaviourStore:
    """`BehaviourStore` over dictionaries."""

    def __init__(self, bounds: BehaviourBounds = DEFAULT_BOUNDS, forgotten: dict[str, int] | None = None) -> None:
        """Args: bounds: as `RedisBehaviourStore` has them. forgotten: until when users are."""
        self._bounds = bounds
        self._forgotten = {} if forgotten is None else forgotten
        self._lists: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """The latest times of the sessions of each owner, with one more than is kept."""
        self._rows: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """The times of what each session did: a kind's letter and a product in one."""
        self._sightings: defaultdict[str, dict[str, int]] = defaultdict(dict)

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> None:
        for user_id, interaction in interactions:
            owner = _owner(user_id)
            if interaction.kind in KIND_LETTERS and interaction.time_ms > max(
                self._floor(owner), self._forgotten.get(user_id, -1)
            ):
                self._record(
                    owner,
                    ref_of(owner, interaction),
                    KIND_LETTERS[interaction.kind] + interaction.product_id,
                    interaction.time_ms,
                )

    async def forget(self, forgotten: Sequence[tuple[str, int]]) -> None:
        for user_id, time_ms in forgotten:
            self._forgotten[user_id] = max(time_ms, self._forgotten.get(user_id, time_ms))
            kept = self._lists[_owner(user_id)]
            for ref in list(kept):
                self._lose_until(ref, time_ms)
                if kept[ref] <= time_ms:
                    del kept[ref]

    async def erase(self, periods: Sequence[tuple[str, Period]]) -> None:
        for user_id, period in periods:
            kept = self._lists[_owner(user_id)]
            for ref in [ref for ref, time_ms in kept.items() if time_ms >= period.since_ms]:
                self._lose_within(ref, period)
                if kept[ref] <= period.until_ms:
                    del kept[ref]
                    if row := self._rows.get(ref):
                        kept[ref] = max(row.values())

    async def sessions_of(self, user_id: str, limit: int) -> list[Session]:
        kept = self._lists[_owner(user_id)]
        newest = _newest(kept)[: min(limit, self._bounds.sessions_a_user)]
        found = [one for ref in newest for one in visits_of(self._session(ref))]
        return sorted(found, key=lambda one: -one.steps[-1].time_ms)

    async def session(self, user_id: str, session_id: str) -> Session:
        return self._session(session_ref(_owner(user_id), session_id))

    async def sightings(self, product_ids: Sequence[str], limit: int) -> list[Sightings]:
        found = [self._sightings.get(product_id, {}) for product_id in product_ids]
        newest = [(times, _newest(times)[:limit]) for times in found]
        return [Sightings([ref.encode() for ref in refs], [times[ref] for ref in refs]) for times, refs in newest]

    async def usual(self, product_ids: Sequence[str], since_ms: int, now_ms: int) -> list[float]:
        found = [self._sightings.get(product_id, {}).values() for product_id in product_ids]
        return [self._usual(times, since_ms, now_ms) for times in found]

    def _usual(self, times_ms: Collection[int], since_ms: int, now_ms: int) -> float:
        count = sum(since_ms <= time_ms <= now_ms for time_ms in times_ms)
        is_full = count >= self._bounds.sessions_a_product
        return at_pace(count, min(times_ms), since_ms, now_ms) if is_full else count

    async def steps(self, refs: Sequence[str]) -> list[Sequence[Sequence[bytes]]]:
        return [
            [[f"{step.kind}{step.product_id}".encode() for step in one.steps] for one in visits_of(self._session(ref))]
            for ref in refs
        ]

    def _session(self, ref: str) -> Session:
        row = self._rows.get(ref, {})
        return Session(ref, [Step(member[0], member[1:], row[member]) for member in _oldest(row)])

    def _floor(self, owner: str) -> int:
        kept = self._lists[owner]
        return min(kept.values()) if len(kept) > self._bounds.sessions_a_user else -1

    def _record(self, owner: str, ref: str, member: str, time_ms: int) -> None:
        floor, kept, row = self._floor(owner), self._lists[owner], self._rows[ref]
        kept[ref] = max(time_ms, kept.get(ref, 0))
        row[member] = max(time_ms, row.get(member, 0))
        times = self._sightings[member[1:]]
        times[ref] = max(time_ms, times.get(ref, 0))
        for oldest in _excess(row, self._bounds.steps_a_session):
            self._lose(ref, oldest)
        for oldest in _excess(kept, self._bounds.sessions_a_user + 1):
            self._lose_until(oldest, kept.pop(oldest))
        if (risen := self._floor(owner)) > floor:
            for kept_ref in list(kept):
                self._lose_until(kept_ref, risen)
        for oldest in _excess(times, self._bounds.sessions_a_product):
            del times[oldest]

    def _lose_until(self, ref: str, time_ms: int) -> None:
        self._lose_within(ref, Period(0, time_ms))

    def _lose_within(self, ref: str, period: Period) -> None:
        row = self._rows.get(ref, {})
        for member in [member for member, at in row.items() if period.since_ms <= at <= period.until_ms]:
            self._lose(ref, member)

    def _lose(self, ref: str, member: str) -> None:
        row, product_id = self._rows[ref], member[1:]
        del row[member]
        if self._sightings[product_id].pop(ref, None) is not None:
            left = [row[name] for letter in KIND_LETTERS.values() if (name := letter + product_id) in row]
            if left:
                self._sightings[product_id][ref] = max(left)


def _owner(user_id: str) -> str:
    return owner_of(_PRIVACY.hash_of(user_id))


def _oldest(times: Mapping[str, int]) -> list[str]:
    """In the order in which Redis has them."""
    return sorted(times, key=lambda name: (times[name], name.encode()))


def _excess(times: Mapping[str, int], most: int) -> list[str]:
    """The oldest of those that are too many."""
    return _oldest(times)[: len(times) - most] if len(times) > most else []


def _newest(times: Mapping[str, int]) -> list[str]:
    return _oldest(times)[::-1]
