"""The stores that several files of contracts are about."""

from collections.abc import AsyncIterator

import pytest

from indexer.ports.profiles import ProfileStore
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from indexer.redis.shoppers.profiles import RedisProfileStore


@pytest.fixture(params=["memory", "redis"])
async def profiles(request: pytest.FixtureRequest) -> AsyncIterator[ProfileStore]:
    """An empty store: the double, and the one over Redis."""
    if request.param == "memory":
        yield InMemoryProfileStore()
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    await redis.flushdb()
    yield RedisProfileStore(redis, deadline_s=5)
    await redis.aclose()
