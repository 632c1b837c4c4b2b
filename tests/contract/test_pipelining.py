"""Commands in one round trip, over the connection that a client keeps aside for them."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from redis.exceptions import ResponseError

from indexer.redis.change_log import RedisChangeLog
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.pipelining import ask_together

ROUNDS = 52


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


async def test_what_the_server_tells_unasked_is_no_answer(redis_url: str) -> None:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    texts = [f"{number}" * number * 50 for number in range(90)]
    # Of each key that is written, the server tells this connection at once.
    commands = [command for text in texts for command in (("SET", "told", text), ("ECHO", text))]
    answers = await ask_together(redis, [("HELLO", 3), ("CLIENT", "TRACKING", "ON", "BCAST"), *commands])
    assert answers[3::2] == [text.encode() for text in texts]
    await redis.aclose()


async def test_a_refused_command_leaves_no_answer_behind(redis_url: str) -> None:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    with pytest.raises(ResponseError):
        await ask_together(redis, [("NONSENSE", "1"), ("ECHO", "a")])
    assert await ask_together(redis, [("ECHO", "b")]) == [b"b"]
    await redis.aclose()


@pytest.mark.parametrize("connections", [1, 8])
async def test_who_comes_after_one_who_gave_up_gets_no_answer_of_theirs(redis_url: str, connections: int) -> None:
    redis = connect_redis(RedisConfig(redis_url, connections=connections, deadline_s=5))
    for steps in itertools.islice(itertools.cycle(range(1, 14)), ROUNDS):
        given_up = asyncio.create_task(ask_together(redis, [("ECHO", "theirs"), ("ECHO", "theirs too")]))
        # At another place within the call each time; with the answers on their way, halfway read, or not asked for.
        for _ in range(steps):
            await asyncio.sleep(0)
        given_up.cancel()
        asked = [ask_together(redis, [("ECHO", f"{steps} {number}")]) for number in range(3)]
        answers = await asyncio.gather(*asked, given_up, return_exceptions=True)
        assert answers[:3] == [[f"{steps} {number}".encode()] for number in range(3)]
    await redis.aclose()


async def test_the_change_log_goes_on_after_readings_that_were_given_up(redis_url: str) -> None:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    await redis.flushdb()
    log = RedisChangeLog(redis, "g", 5)
    position = (await log.read(None)).position
    for round_number, steps in enumerate(itertools.islice(itertools.cycle(range(1, 14)), ROUNDS)):
        await log.append([f"p{round_number}"])
        given_up = asyncio.create_task(log.read(position))
        for _ in range(steps):
            await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        reading = await log.read(position)
        assert reading.changed == [f"p{round_number}"]
        position = reading.position
    await log.aclose()
    await redis.aclose()
