"""What every `ChangeLog` must do: the double and the real Redis."""

import uuid
from collections.abc import AsyncIterator

import pytest

from indexer.errors import StoreUnavailable
from indexer.ports.changes import ChangeLog
from indexer.redis.change_log import InMemoryChangeLog, RedisChangeLog
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.cluster import each_server


@pytest.fixture(params=["memory", "redis"])
async def changes(request: pytest.FixtureRequest) -> AsyncIterator[ChangeLog]:
    if request.param == "memory":
        yield InMemoryChangeLog(kept=3)
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    yield RedisChangeLog(redis, uuid.uuid4().hex, deadline_s=5, kept=3)
    await redis.aclose()


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


async def test_one_reader_is_told_each_change_once_and_nothing_at_first(changes):
    await changes.append(["before"])
    first = await changes.read(None)
    assert first.changed is None
    assert await changes.read(first.position) == (first.position, [])
    await changes.append(["a", "b"])
    second = await changes.read(first.position)
    assert list(second.changed) == ["a", "b"] and second.position.sequence == await changes.position()
    assert not (await changes.read(second.position)).changed
    await changes.append(["c", "d", "e", "f"])
    assert (await changes.read(second.position)).changed is None
    await changes.aclose()


async def test_positions_of_another_life_of_the_server_tell_nothing(changes):
    known = (await changes.read(None)).position
    other = await changes.read(known._replace(epoch="another"))
    assert other.changed is None and other.position == known


@pytest.mark.parametrize("lost", ["sequence", "products", "all"])
async def test_a_log_that_redis_lost_does_not_go_on_as_if_nothing_was(redis_url, lost):
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    log = RedisChangeLog(redis, uuid.uuid4().hex, deadline_s=5)
    known = await log.read(None)
    await log.append(["a"])
    if lost == "all":
        await redis.flushdb()
    else:
        await redis.delete(*[key async for key in redis.scan_iter(f"*{lost}")])
    assert (await log.read(known.position)).changed is None
    await log.append([f"b{at}" for at in range(50)])
    assert (await log.read(known.position)).changed is None
    now = (await log.read(None)).position
    await log.append(["c"])
    assert (await log.read(now)).changed == ["c"]
    await log.aclose()
    await redis.aclose()


async def test_a_reader_whose_connection_broke_goes_on_where_it_was(redis_url):
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    log = RedisChangeLog(redis, uuid.uuid4().hex, deadline_s=5)
    known = (await log.read(None)).position
    for server in await each_server(redis):
        await redis.client_kill_filter(skipme=True, **server)
    with pytest.raises(StoreUnavailable):
        await log.read(known)
    await log.append(["a"])
    assert (await log.read(known)).changed == ["a"]
    await log.aclose()
    await redis.aclose()


async def test_a_redis_that_is_away_is_unavailable_within_its_deadline():
    redis = connect_redis(RedisConfig("redis://127.0.0.1:1/0", deadline_s=0.2))
    with pytest.raises(StoreUnavailable):
        await RedisChangeLog(redis, "g", 0.2).append(["p"])
    await redis.aclose()
