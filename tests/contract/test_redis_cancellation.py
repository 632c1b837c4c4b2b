"""A call to Redis that is cancelled ends: a worker that stops would else wait for ever for what goes on."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from indexer.redis.client import RedisConfig, connect_redis, redis_call
from indexer.redis.shoppers.profiles import RedisProfileStore

ROUNDS = 100


async def _ask(redis: Redis) -> None:
    async with redis_call(5):
        await redis.exists("nothing")


async def _ask_together(redis: Redis) -> None:
    await RedisProfileStore(redis, 5).histories(["nobody", "none"])


async def _call_for_ever(call: Callable[[Redis], Awaitable[Any]], redis: Redis) -> None:
    while True:
        await call(redis)
        task = asyncio.current_task()
        assert task and not task.cancelling(), "the cancellation was lost"


@pytest.mark.parametrize("call", [_ask, _ask_together])
async def test_a_cancellation_is_never_lost_in_a_call(redis_url: str, call: Callable[[Redis], Awaitable[Any]]) -> None:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    await redis.exists("nothing")
    for steps in itertools.islice(itertools.cycle(range(1, 12)), ROUNDS):
        task = asyncio.create_task(_call_for_ever(call, redis))
        # To another place within the call each time.
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        (end,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(end, asyncio.CancelledError), end
    await redis.aclose()
