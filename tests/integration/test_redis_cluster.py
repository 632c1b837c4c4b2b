"""A Redis Cluster, of which one server has but a part of the keys."""

from __future__ import annotations

import pytest

from indexer.errors import AccessDenied
from indexer.redis.client import RedisConfig, open_redis, redis_call
from tests.redis_cluster import redis_cluster


async def test_a_redis_of_a_cluster_is_refused_in_one_sentence(tmp_path):
    with redis_cluster(tmp_path, servers=1) as url:
        config = RedisConfig(url=url, deadline_s=5)
        with pytest.raises(AccessDenied, match=r"this Redis is a cluster, .* without cluster mode"):
            async with open_redis(config):
                pass


async def test_any_other_redis_is_asked_nothing_that_its_user_may_not_see(redis_url):
    async with open_redis(RedisConfig(url=redis_url, deadline_s=5)) as redis, redis_call(5):
        assert await redis.ping()
