"""What every `RestoreLease` must do: the double and the real Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from indexer.ports.profiles import RestoreLease
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.shoppers.restore_lease import InMemoryRestoreLease, InMemoryRestoreState, RedisRestoreLease

NewLease = Callable[[float], RestoreLease]


@pytest.fixture(params=["memory", "redis"])
async def new_lease(request: pytest.FixtureRequest) -> AsyncIterator[NewLease]:
    """Makes the leases of several workers on one store."""
    if request.param == "memory":
        restores = InMemoryRestoreState()
        yield lambda lease_s: InMemoryRestoreLease(restores, lease_s)
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    await redis.flushdb()
    yield lambda lease_s: RedisRestoreLease(redis, lease_s, deadline_s=5)
    await redis.aclose()


async def test_one_worker_at_a_time_restores_and_none_does_when_it_is_done(new_lease):
    one, other = new_lease(60), new_lease(60)
    assert await one.is_needed() and await one.take() and not await other.take()
    assert await one.renew() and not await other.renew()
    assert not await other.complete() and await other.is_needed()
    assert await one.complete() and not await one.renew()
    assert not await other.is_needed() and not await other.take()


async def test_who_gives_up_makes_room(new_lease):
    one, other = new_lease(60), new_lease(60)
    await one.take()
    await other.release()
    assert not await other.take()
    await one.release()
    assert await other.take()
    await one.release()
    assert await other.renew()


async def test_who_is_silent_too_long_has_lost_the_lease(new_lease):
    frozen, other = new_lease(0.05), new_lease(60)
    await frozen.take()
    async with asyncio.timeout(10):
        while not await other.take():
            await asyncio.sleep(0.01)
    assert not await frozen.renew() and not await frozen.complete()
    await frozen.release()
    assert await other.renew() and await other.complete()
