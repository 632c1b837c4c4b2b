"""Whose turn it is, by the real Redis."""

from __future__ import annotations

import uuid

import pytest

from indexer.errors import StoreUnavailable
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.turn import RedisTurn


async def test_one_of_many_has_the_turn_and_it_comes_again(redis_url: str) -> None:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    name = uuid.uuid4().hex
    workers = [RedisTurn(redis, name, every_s=60, deadline_s=5) for _ in range(3)]
    assert [await worker.take() for worker in workers] == [True, False, False]
    left_ms = await redis.pttl(f"vitrine:turn:{name}")
    assert 0 < left_ms <= 60_000
    await redis.delete(f"vitrine:turn:{name}")
    assert await workers[2].take() and not await workers[0].take()
    await redis.aclose()


async def test_without_redis_it_is_nobodys_turn() -> None:
    redis = connect_redis(RedisConfig("redis://127.0.0.1:1"))
    with pytest.raises(StoreUnavailable):
        await RedisTurn(redis, "media", 60, 0.2).take()
    await redis.aclose()
