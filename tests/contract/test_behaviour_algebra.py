"""Sessions depend on which events there were, and on nothing else: the double and the real Redis against an oracle."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indexer.persons import Period
from indexer.ports.behaviour import GAP_MS, BehaviourStore
from indexer.ports.profiles import Interaction
from indexer.redis.behaviour.in_memory import InMemoryBehaviourStore
from indexer.redis.behaviour.store import BehaviourBounds, RedisBehaviourStore
from indexer.redis.client import RedisConfig, connect_redis
from tests.retelling import retold

NOW_MS = 1_795_000_000_000
USERS, SESSIONS, PRODUCTS, KINDS = ("ada", "ben"), ("", "s1", "s2", "s3"), ("p", "q", "ü"), ("viewed", "purchased")
BOUNDS = BehaviourBounds(sessions_a_user=2, steps_a_session=2, sessions_a_product=3)
ROOMY = BehaviourBounds(sessions_a_product=3)

Change = tuple[str, Interaction | int]
"""A user, and what they did or when they were forgotten."""
Told = dict[str, dict[str, list[tuple[str, str, int]]]]
"""What each session of each user did."""
OpenStore = Callable[[BehaviourBounds], Any]

each_example_opens_a_store = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(params=["memory", "redis"])
async def open_store(request: pytest.FixtureRequest) -> AsyncIterator[OpenStore]:
    async def open_memory(bounds: BehaviourBounds) -> BehaviourStore:
        return InMemoryBehaviourStore(bounds)

    if request.param == "memory":
        yield open_memory
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=10))

    async def open_redis(bounds: BehaviourBounds) -> BehaviourStore:
        await redis.flushdb()
        return RedisBehaviourStore(redis, deadline_s=10, bounds=bounds)

    yield open_redis
    await redis.aclose()


times = st.integers(NOW_MS, NOW_MS + 6)
pauses = st.integers(0, 4).map(lambda times: NOW_MS + times * GAP_MS + times // 2)
# Without a session id, an event belongs to a visit of its day.
days = st.integers(0, 3).map(lambda days: NOW_MS + days * 86_400_000)
did: Any = st.builds(
    lambda kind, product_id, time_ms, session_id: Interaction("e", kind, product_id, time_ms, session_id=session_id),
    st.sampled_from(KINDS),
    st.sampled_from(PRODUCTS),
    times | days | pauses,
    st.sampled_from(SESSIONS),
)
changes_of_users: Any = st.lists(st.tuples(st.sampled_from(USERS), did | times), max_size=25)
deeds_of_users: Any = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d", "e"]), did), max_size=25)
deeds_of_two: Any = st.lists(st.tuples(st.sampled_from(USERS), did), max_size=25)


async def opened(open_store: OpenStore, bounds: BehaviourBounds, batches: Sequence[Sequence[Change]]) -> BehaviourStore:
    """A store that was told these."""
    store = await open_store(bounds)
    await tell(store, batches)
    return store


async def tell(store: BehaviourStore, batches: Sequence[Sequence[Change]]) -> None:
    for batch in batches:
        await store.record([(user, change) for user, change in batch if isinstance(change, Interaction)])
        await store.forget([(user, change) for user, change in batch if isinstance(change, int)])


def sessions_by(changes: Sequence[Change], user: str, bounds: BehaviourBounds) -> list[list[tuple[str, str, int]]]:
    """What a user's kept sessions and visits did, oldest first: by the rules of `BehaviourStore`, from all events."""
    forgotten = max((change for who, change in changes if who == user and isinstance(change, int)), default=-1)
    rows: dict[str, dict[tuple[str, str], int]] = {}
    for who, change in changes:
        if who == user and isinstance(change, Interaction) and change.time_ms > forgotten:
            row = rows.setdefault(change.session_id or str(change.time_ms // 86_400_000), {})
            row[change.kind, change.product_id] = max(change.time_ms, row.get((change.kind, change.product_id), 0))
    latest = sorted((max(row.values()) for row in rows.values()), reverse=True)
    floor = latest[bounds.sessions_a_user] if len(latest) > bounds.sessions_a_user else -1
    kept: list[list[tuple[str, str, int]]] = []
    for name, row in rows.items():
        ordered = sorted(row, key=lambda step: (row[step], ("v" if step[0] == "viewed" else "p") + step[1]))
        steps = [(kind, product, row[kind, product]) for kind, product in ordered[-bounds.steps_a_session :]]
        left = [step for step in steps if step[2] > floor]
        kept += [left] if name in SESSIONS else parted(left)
    return [steps for steps in kept if steps]


def parted(steps: list[tuple[str, str, int]]) -> list[list[tuple[str, str, int]]]:
    """The visits of a day."""
    visits: list[list[tuple[str, str, int]]] = []
    for step in steps:
        if not visits or step[2] - visits[-1][-1][2] > GAP_MS:
            visits.append([])
        visits[-1].append(step)
    return visits


async def visits_of(store: BehaviourStore, user: str) -> list[list[tuple[str, str, int]]]:
    """What each kept session and visit of a user did, the latest first."""
    names = {"v": "viewed", "p": "purchased"}
    found = await store.sessions_of(user, 100)
    return [[(names[kind], product_id, time_ms) for kind, product_id, time_ms in one.steps] for one in found]


async def kept_of(store: BehaviourStore, *users: str) -> dict[str, list[tuple[str, str, int]]]:
    """What the kept sessions of these users did, by ref, a day's visits in one."""
    kept: dict[str, list[tuple[str, str, int]]] = {}
    for user in users:
        refs = [session.ref for session in await store.sessions_of(user, 100)]
        for ref, steps in zip(refs, await visits_of(store, user), strict=True):
            kept[ref] = steps + kept.get(ref, [])
    return kept


async def sighted(store: BehaviourStore) -> dict[str, list[tuple[str, int]]]:
    found = await store.sightings(PRODUCTS, 100)
    return {
        product: sorted((one.ref, one.time_ms) for one in seen) for product, seen in zip(PRODUCTS, found, strict=True)
    }


def sightings_in(sessions: dict[str, list[tuple[str, str, int]]]) -> dict[str, list[tuple[str, int]]]:
    latest: dict[str, dict[str, int]] = {product: {} for product in PRODUCTS}
    for ref, steps in sessions.items():
        for _, product_id, time_ms in steps:
            latest[product_id][ref] = max(time_ms, latest[product_id].get(ref, 0))
    return {product: sorted(times.items()) for product, times in latest.items()}


@each_example_opens_a_store
@given(data=st.data(), changes=changes_of_users)
async def test_any_order_repetition_and_batches_make_the_same_sessions(
    open_store: OpenStore, data: st.DataObject, changes: list[Change]
) -> None:
    store = await opened(open_store, BOUNDS, data.draw(retold(changes)))
    kept = {user: await kept_of(store, user) for user in USERS}
    for user in USERS:
        visits = await visits_of(store, user)
        assert sorted(visits) == sorted(sessions_by(changes, user, BOUNDS))
        assert [steps[-1][2] for steps in visits] == sorted((steps[-1][2] for steps in visits), reverse=True)
    everybodys = {ref: steps for sessions in kept.values() for ref, steps in sessions.items()}
    seen = await sighted(store)
    expected = sightings_in(everybodys)
    # A product may have let go of the oldest of many, before others went too.
    assert all(set(seen[product]) <= set(expected[product]) for product in PRODUCTS)
    assert all(len(seen[product]) >= min(1, len(expected[product])) for product in PRODUCTS)
    rows = await store.steps(list(everybodys))
    assert [sum(map(len, visits)) for visits in rows] == [len(steps) for steps in everybodys.values()]
    assert sum(map(len, rows)) == sum([len(await visits_of(store, user)) for user in USERS])


@each_example_opens_a_store
@given(data=st.data(), changes=deeds_of_users)
async def test_a_product_keeps_its_latest_sessions_whatever_their_order(
    open_store: OpenStore, data: st.DataObject, changes: list[Change]
) -> None:
    store = await opened(open_store, ROOMY, data.draw(retold(changes)))
    expected = sightings_in(await kept_of(store, *{user for user, _ in changes}))
    found = await store.sightings(PRODUCTS, 100)
    for product, seen in zip(PRODUCTS, found, strict=True):
        newest = sorted(expected[product], key=lambda one: (one[1], one[0]), reverse=True)[:3]
        assert [tuple(one) for one in seen] == newest


@each_example_opens_a_store
@given(changes=deeds_of_users, since_ms=times | days)
async def test_how_often_a_product_usually_was_in_sessions_is_told_at_the_pace_of_those_that_are_kept(
    open_store: OpenStore, changes: list[Change], since_ms: int
) -> None:
    store, now_ms = await opened(open_store, ROOMY, [changes]), NOW_MS + 5 * 86_400_000
    usual = await store.usual(PRODUCTS, since_ms, now_ms)
    for seen, told in zip(await store.sightings(PRODUCTS, 100), usual, strict=True):
        since = [one.time_ms for one in seen if one.time_ms >= since_ms]
        # Of three that are kept, there may have been more.
        more = (now_ms - since_ms) / (now_ms - since[-1]) if len(since) == 3 else 1
        assert told == pytest.approx(len(since) * more)


@each_example_opens_a_store
@example([("ada", Interaction("e", kind, "p", NOW_MS + at)) for at, kind in enumerate(KINDS)], NOW_MS + 1, NOW_MS + 2)
@given(changes=deeds_of_two, since_ms=times | days, until_ms=times | days)
async def test_what_was_done_in_an_erased_period_is_in_no_session_and_all_else_stays(
    open_store: OpenStore, changes: list[Change], since_ms: int, until_ms: int
) -> None:
    store = await opened(open_store, BehaviourBounds(), [changes])
    before, bens = await kept_of(store, "ada"), await kept_of(store, "ben")
    for _ in range(2):
        await store.erase([("ada", Period(since_ms, until_ms))])
    left = {ref: [step for step in steps if not since_ms <= step[2] <= until_ms] for ref, steps in before.items()}
    kept = {ref: steps for ref, steps in left.items() if steps}
    assert await kept_of(store, "ada") == kept and await kept_of(store, "ben") == bens
    latest = [session.steps[-1].time_ms for session in await store.sessions_of("ada", 100)]
    assert latest == sorted(latest, reverse=True)
    assert await sighted(store) == sightings_in(await kept_of(store, *USERS))
