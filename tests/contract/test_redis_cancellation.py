"""A call to Redis that is cancelled ends: a worker that stops would else wait for ever for what goes on."""

from __future__ import annotations

import asyncio
import itertools

from redis.asyncio import Redis

from indexer.redis.client import RedisConfig, connect_redis, redis_call

ROUNDS = 100


async def _call_for_ever(redis: Redis) -> None:
    while True:
        async with redis_call(5):
            await redis.exists("nothing")
        task = asyncio.current_task()
        assert task and not task.cancelling(), "the cancellation was lost"


async def test_a_cancellation_is_never_lost_in_a_call(redis_url: str) -> None:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    await redis.exists("nothing")
    for steps in itertools.islice(itertools.cycle(range(1, 12)), ROUNDS):
        task = asyncio.create_task(_call_for_ever(redis))
        # To another place within the call each time.
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        (end,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(end, asyncio.CancelledError), end
    await redis.aclose()
