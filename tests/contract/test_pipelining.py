"""Commands in one round trip, over the connection that a client keeps aside for them."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ResponseError

from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.pipelining import ask_together


async def test_a_connection_that_the_server_closed_meanwhile_is_opened_anew(redis_url: str) -> None:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    ((own, _),) = [await ask_together(redis, [("CLIENT", "ID"), ("GET", "nothing")])]
    assert await ask_together(redis, [("CLIENT", "ID")]) == [own]
    await redis.client_kill_filter(_id=own)
    for _ in range(2):
        assert await ask_together(redis, [("GET", "nothing")]) == [None]
    await redis.aclose()


@pytest.mark.parametrize("connections", [1, 8])
async def test_who_comes_meanwhile_has_another_connection_and_none_is_withheld(
    redis_url: str, connections: int
) -> None:
    redis = connect_redis(RedisConfig(redis_url, connections=connections, deadline_s=5))
    for _ in range(2):
        answers = await asyncio.gather(*(ask_together(redis, [("ECHO", str(number))]) for number in range(9)))
        assert answers == [[b"%d" % number] for number in range(9)]
        assert await redis.exists("nothing") == 0
    await redis.aclose()


async def test_a_refused_command_leaves_no_answer_behind(redis_url: str) -> None:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    with pytest.raises(ResponseError):
        await ask_together(redis, [("NONSENSE", "1"), ("ECHO", "a")])
    assert await ask_together(redis, [("ECHO", "b")]) == [b"b"]
    await redis.aclose()
