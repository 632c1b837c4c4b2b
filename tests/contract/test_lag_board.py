"""What workers tell of their lag, over the double and the real Redis."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from indexer.errors import StoreUnavailable
from indexer.ports.changes import LagBoard, ToldLag
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.lag_board import InMemoryLagBoard, RedisLagBoard

FIRST, SECOND = ("catalog.product-events", 0), ("catalog.product-events", 1)
TOLD_FOR_S = 0.3


@pytest.fixture(params=["memory", "redis"])
async def board(request: pytest.FixtureRequest) -> AsyncIterator[LagBoard]:
    if request.param == "memory":
        yield InMemoryLagBoard(TOLD_FOR_S)
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    yield RedisLagBoard(redis, uuid.uuid4().hex, 5, TOLD_FOR_S)
    await redis.aclose()


async def test_what_was_told_last_of_a_partition_is_read_and_nothing_of_others(board: LagBoard) -> None:
    await board.tell({FIRST: ToldLag(7, 1_000, 2), SECOND: ToldLag(0, None, 2)})
    await board.tell({FIRST: ToldLag(3, 2_000, 2)})
    await board.tell({})
    assert await board.read([FIRST, ("catalog.product-events", 2), SECOND]) == [
        ToldLag(3, 2_000, 2),
        None,
        ToldLag(0, None, 2),
    ]


async def test_what_nobody_says_again_is_forgotten(board: LagBoard) -> None:
    await board.tell({FIRST: ToldLag(7, 1_000, 2)})
    async with asyncio.timeout(10):
        while await board.read([FIRST]) != [None]:
            await board.tell({SECOND: ToldLag(0, None, 2)})
    assert await board.read([SECOND]) == [ToldLag(0, None, 2)]


@pytest.mark.parametrize("value", [b"", b"[7]", b"[true, null, 2]", b"\xff", b'{"messages": 7}'])
async def test_what_is_not_understood_was_not_told(redis_url: str, value: bytes) -> None:
    redis, group = connect_redis(RedisConfig(redis_url, deadline_s=5)), uuid.uuid4().hex
    board = RedisLagBoard(redis, group, 5)
    await board.tell({FIRST: ToldLag(7, 1_000, 2), SECOND: ToldLag(0, None, 2)})
    await redis.set(f"vitrine:lag:{{{group}}}:{FIRST[0]}:{FIRST[1]}", value)
    assert await board.read([FIRST, SECOND]) == [None, ToldLag(0, None, 2)]
    await redis.aclose()


async def test_without_redis_nothing_is_told_and_nothing_read() -> None:
    board = RedisLagBoard(connect_redis(RedisConfig("redis://127.0.0.1:1")), "group", 0.2)
    with pytest.raises(StoreUnavailable):
        await board.tell({FIRST: ToldLag(7, 1_000, 2)})
    with pytest.raises(StoreUnavailable):
        await board.read([FIRST])
