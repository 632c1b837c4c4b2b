"""What the query worker relies on in its candidate cache, over the double and over Redis."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from indexer.errors import StoreUnavailable
from indexer.redis.client import RedisConfig, connect_redis
from query_api.cache.candidate_cache import InMemoryCandidateCache, RedisCandidateCache
from query_api.ports import CandidateCache


@pytest.fixture(params=["double", "redis"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[CandidateCache]:
    if request.param == "double":
        yield InMemoryCandidateCache()
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url")))
    yield RedisCandidateCache(redis, deadline_s=2.0)
    await redis.aclose()


async def test_a_value_is_kept_whole_and_replaced(cache: CandidateCache) -> None:
    key = secrets.token_hex(8)
    assert await cache.get(key) is None
    for value in (b"\x00\xff" * 500_000, b""):
        await cache.set(key, value, ttl_s=60)
        assert await cache.get(key) == value


async def test_a_value_is_gone_after_its_time(cache: CandidateCache) -> None:
    key = secrets.token_hex(8)
    await cache.set(key, b"short-lived", ttl_s=0.001)
    async with asyncio.timeout(5):
        while await cache.get(key) is not None:
            continue


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    redis = connect_redis(RedisConfig("redis://127.0.0.1:9"))
    with pytest.raises(StoreUnavailable):
        await RedisCandidateCache(redis).get("key")
    await redis.aclose()
