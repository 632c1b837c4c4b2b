"""What sessions take in Redis: no more than `docs/recommendations.md` says, and its plan for a big shop adds up."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from indexer.ports.profiles import Interaction
from indexer.redis.behaviour.store import DEFAULT_BOUNDS, RedisBehaviourStore
from indexer.redis.client import RedisConfig, connect_redis
from tests.paths import ROOT

NOW_MS = 1_795_000_000_000
KEY, STEP, SESSION, SIGHTING = 200, 40, 60, 140
"""Bytes at most: a key, a step in a session, a session of a shopper's, one of a product's."""
TEXT = (ROOT / "docs" / "recommendations.md").read_text()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=20))
    await redis.flushdb()
    yield redis
    await redis.aclose()


def shopper_bytes(sessions: int, steps: int) -> int:
    """What one shopper's sessions take."""
    return KEY + sessions * (SESSION + KEY + steps * STEP)


def product_bytes(sightings: int) -> int:
    """What the sessions that a product was in take."""
    return KEY + sightings * SIGHTING


async def size_of(redis: Redis, pattern: str) -> int:
    """Bytes of all keys of a pattern."""
    return sum([int(await redis.memory_usage(name, samples=0) or 0) for name in await redis.keys(pattern)])


def product(number: int) -> str:
    return f"product-{number:08d}"


async def test_a_shopper_and_a_product_take_no_more_than_is_stated(redis: Redis) -> None:
    store, bounds = RedisBehaviourStore(redis, 20), DEFAULT_BOUNDS
    # More sessions, steps and sightings than are kept.
    busy = [
        ("ada", Interaction("e", "viewed", product(step), NOW_MS + 1_000 * session + step, session_id=f"s{session}"))
        for session in range(bounds.sessions_a_user + 5)
        for step in range(bounds.steps_a_session + 5)
    ]
    await store.record(busy)
    whole = shopper_bytes(bounds.sessions_a_user, bounds.steps_a_session)
    assert whole / 3 < await size_of(redis, "vitrine:session*") <= whole
    await redis.flushdb()
    await store.record([(f"u{n}", Interaction("e", "viewed", "p", NOW_MS + n)) for n in range(600)])
    whole = product_bytes(bounds.sessions_a_product)
    assert whole / 3 < await size_of(redis, "vitrine:product:*") <= whole
    assert await redis.zcard("vitrine:product:{p}:sessions") == bounds.sessions_a_product
    # The bounds, as the document has them.
    assert f"{shopper_bytes(100, 100) / 1e3:.0f} KB" in TEXT and f"{product_bytes(500) / 1e3:.0f} KB" in TEXT


def test_the_plan_for_a_big_shop_adds_up() -> None:
    shoppers = 100_000_000 * shopper_bytes(sessions=5, steps=8)
    products = 10_000_000 * product_bytes(sightings=20) + 200_000 * product_bytes(sightings=500)
    assert f"{shoppers / 1e9:.0f} GB of shoppers" in TEXT and f"{products / 1e9:.0f} GB of products" in TEXT
    assert f"{-(-(shoppers + products) // 24_000_000_000)} shards of 32 GB" in TEXT
