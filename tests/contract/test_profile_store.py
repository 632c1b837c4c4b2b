"""What every `ProfileStore` and `ChangeLog` must do: the doubles and the real Redis."""

import uuid
from collections.abc import AsyncIterator

import pytest

from indexer.change_log import InMemoryChangeLog, RedisChangeLog
from indexer.errors import StoreUnavailable
from indexer.ports import ChangeLog, Interaction, ProfileStore
from indexer.profiles import HISTORY, InMemoryProfileStore, RedisProfileStore
from indexer.redis_client import RedisConfig, connect

NOW_MS = 1_795_000_000_000


def clicked(event_id: str, product_id: str = "p", time_ms: int = NOW_MS, kind: str = "clicked") -> Interaction:
    return Interaction(event_id, kind, product_id, time_ms)


@pytest.fixture(params=["memory", "redis"])
async def profiles(request: pytest.FixtureRequest) -> AsyncIterator[ProfileStore]:
    if request.param == "memory":
        yield InMemoryProfileStore()
        return
    redis = connect(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    await redis.flushdb()
    yield RedisProfileStore(redis, deadline_s=5)
    await redis.aclose()


@pytest.fixture(params=["memory", "redis"])
async def changes(request: pytest.FixtureRequest) -> AsyncIterator[ChangeLog]:
    if request.param == "memory":
        yield InMemoryChangeLog(kept=3)
        return
    redis = connect(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    yield RedisChangeLog(redis, uuid.uuid4().hex, deadline_s=5, kept=3)
    await redis.aclose()


async def test_recent_interactions_come_newest_first_whatever_their_order_of_arrival(profiles):
    events = [clicked("a", "p1", NOW_MS), clicked("c", "p3", NOW_MS + 2), clicked("b", "p2", NOW_MS + 1)]
    await profiles.record([("ada", event) for event in events])
    assert await profiles.recent("ada") == [events[1], events[2], events[0]]
    assert await profiles.recent("ben") == []


async def test_a_repeated_event_counts_once(profiles):
    await profiles.record([("ada", clicked("a", "p1")), ("ada", clicked("a", "p1"))])
    await profiles.record([("ada", clicked("a", "p1")), ("ben", clicked("b", "p2")), ("ben", clicked("c", "p2"))])
    assert len(await profiles.recent("ada")) == 1
    assert await profiles.popular(10) == ["p2", "p1"]


async def test_a_history_is_bounded_and_keeps_the_latest(profiles):
    await profiles.record([("ada", clicked(f"e{n}", time_ms=NOW_MS + n)) for n in range(HISTORY + 5)])
    recent = await profiles.recent("ada")
    assert len(recent) == HISTORY and recent[0].event_id == f"e{HISTORY + 4}"


async def test_a_purchase_makes_a_product_more_popular_than_a_view(profiles):
    await profiles.record(
        [("ada", clicked("a", "seen", kind="viewed")), ("ada", clicked("b", "sold", kind="purchased"))]
    )
    assert await profiles.popular(1) == ["sold"]


async def test_each_trait_keeps_its_latest_value_and_null_clears_it(profiles):
    await profiles.set_traits([("ada", 2, {"age": "30-39", "style": "sporty"})])
    await profiles.set_traits([("ada", 1, {"age": "20-29", "city": "Rome"}), ("ada", 3, {"style": None})])
    await profiles.set_traits([("ada", 2, {"style": "late"})])
    assert await profiles.traits("ada") == {"age": "30-39", "city": "Rome"}


async def test_a_forgotten_user_leaves_nothing(profiles):
    await profiles.record([("ada", clicked("a"))])
    await profiles.set_traits([("ada", 1, {"age": "30-39"})])
    await profiles.forget("ada")
    await profiles.forget("ada")
    assert await profiles.recent("ada") == [] and await profiles.traits("ada") == {}


async def test_nothing_to_record_is_no_error(profiles):
    await profiles.record([])
    await profiles.set_traits([])


async def test_the_log_tells_what_changed_after_a_position(changes):
    start = await changes.position()
    await changes.append(["a", "b"])
    middle = await changes.position()
    await changes.append(["b", "c"])
    latest, since_start = await changes.since(start)
    assert set(since_start) == {"a", "b", "c"} and latest == await changes.position()
    assert set((await changes.since(middle))[1]) == {"b", "c"}
    assert await changes.since(latest) == (latest, [])


async def test_the_log_says_when_it_no_longer_reaches_back(changes):
    start = await changes.position()
    await changes.append(["a", "b", "c", "d"])
    assert await changes.since(start) is None
    assert set((await changes.since(start + 1))[1]) == {"b", "c", "d"}


async def test_a_position_from_another_life_of_the_log_is_not_understood(changes):
    assert await changes.since(10**9) is None


async def test_a_redis_that_is_away_is_unavailable_within_its_deadline():
    redis = connect(RedisConfig("redis://127.0.0.1:1/0", deadline_s=0.2))
    with pytest.raises(StoreUnavailable):
        await RedisProfileStore(redis, 0.2).recent("ada")
    with pytest.raises(StoreUnavailable):
        await RedisChangeLog(redis, "g", 0.2).append(["p"])
    await redis.aclose()
