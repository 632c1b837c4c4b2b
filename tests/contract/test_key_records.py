"""What records of API keys must do, and counters that workers share: the doubles and Redis."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from indexer.errors import StoreUnavailable
from indexer.redis import api_keys
from indexer.redis.api_keys import RedisKeyRecords
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.shared_counts import RedisSharedCounts
from query_api.access.api_keys import make_key
from query_api.access.key_store import InMemoryKeyRecords, KeyRecords, StoredApiKeys
from query_api.access.rate_limits import RateLimiter


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    yield redis
    await redis.aclose()


@pytest.fixture(params=["memory", "redis"])
async def records(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KeyRecords]:
    if request.param == "memory":
        yield InMemoryKeyRecords()
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    # Of this test alone.
    name = secrets.token_hex(8)
    monkeypatch.setattr(api_keys, "RECORDS", f"vitrine:{{{name}}}:records")
    monkeypatch.setattr(api_keys, "VERSION", f"vitrine:{{{name}}}:version")
    yield RedisKeyRecords(redis, deadline_s=5)
    await redis.aclose()


async def test_every_change_is_another_version(records: KeyRecords) -> None:
    assert await records.version() == 0 and await records.all() == []
    versions = [await records.version()]
    for change in (
        records.put("a", b"1"),
        records.put("b", b"\x00\xff"),
        records.put("a", b"2"),
        records.remove("a"),
        records.remove("a"),
    ):
        await change
        versions.append(await records.version())
    assert versions == sorted(set(versions))
    assert await records.get("a") is None and await records.get("b") == b"\x00\xff"
    assert await records.all() == [b"\x00\xff"]


async def test_keys_are_kept_in_their_order_and_revoked_by_id(records: KeyRecords) -> None:
    store = StoredApiKeys(records)
    assert await store.version() == ""
    made = [make_key(["search"], float(at))[1] for at in (3, 1, 2)]
    for key in made:
        await store.add(key)
    assert [key.created_s for key in await store.all()] == [1.0, 2.0, 3.0]
    assert await store.find(made[0].digest) == made[0] and await store.find("0" * 64) is None
    assert await store.revoke(made[1].id) == made[1] and await store.revoke(made[1].id) is None
    assert await store.find(made[1].digest) is None and await store.version() != ""


async def test_counters_add_up_and_end(redis: Redis) -> None:
    one, two = RedisSharedCounts(redis, 5), RedisSharedCounts(redis, 5)
    first, second = (f"vitrine:rate:test:{secrets.token_hex(8)}" for _ in range(2))
    assert await one.add({first: (3, 60), second: (1, 60)}) == {first: 3, second: 1}
    assert await two.add({first: (2, 60)}) == {first: 5}
    assert 0 < await redis.ttl(first) <= 60


async def test_workers_share_their_rates(redis: Redis) -> None:
    caller = secrets.token_hex(8)
    # Of a day: the test is over before the window is.
    workers = [RateLimiter("test", "10/day", RedisSharedCounts(redis, 5)) for _ in range(2)]
    assert [workers[0].take(caller) == 0 for _ in range(8)] == [True] * 8
    await workers[0].share()
    assert workers[1].take(caller) == 0
    await workers[1].share()
    assert [workers[1].take(caller) == 0 for _ in range(3)] == [True, False, False]


async def test_a_server_that_is_away_is_unavailable() -> None:
    redis = connect_redis(RedisConfig("redis://127.0.0.1:1", deadline_s=1))
    for asked in (
        RedisKeyRecords(redis, 1).version(),
        RedisKeyRecords(redis, 1).get("a"),
        RedisKeyRecords(redis, 1).put("a", b""),
        RedisSharedCounts(redis, 1).add({"a": (1, 1)}),
    ):
        with pytest.raises(StoreUnavailable):
            await asked
    await redis.aclose()
