"""Many commands to Redis in one round trip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from redis.exceptions import RedisError

from indexer.redis.cluster import ClusterRedis
from indexer.redis.protocol import Command, next_answers, pack

Item = TypeVar("Item")

SPARE_FROM = 8
"""A client that may have so many connections keeps one of them aside."""


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in parts of at most `size`, for calls that are bounded."""
    return (items[start : start + size] for start in range(0, len(items), size))


async def ask_together(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    """The answers, as the server's protocol has them: its second and third version write some otherwise.

    redis-py's own pipeline gives the same for three times the work of this process. The commands are no transaction.
    On a cluster, each begins with the name of a command and one key, or is an `EVALSHA`.

    Raises what redis-py raises; where the server refuses several commands, that of the first.
    """
    # `isinstance` takes twenty times as long: redis-py's clients are protocols, too.
    client = cast(object, redis)
    asked = client.ask_together(commands) if type(client) is ClusterRedis else _ask_server(redis, commands)
    answers: list[Any] = await asked
    for answer in answers:
        if isinstance(answer, RedisError):
            raise answer
    return answers


async def _ask_server(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    connection = await _take(redis)
    try:
        await connection.send_packed_command([b"".join(map(pack, commands))])
        return await next_answers(connection, len(commands))
    finally:
        await _give_back(redis, connection)


async def _take(redis: Redis) -> Any:
    """A connection that is open: the spare one where nobody has it, as the pool takes as long as a call."""
    pool, spare = redis.connection_pool, _spares.pop(redis, None)
    if spare is None:
        return await pool.get_connection()
    try:
        await pool.ensure_connection(spare)
    except BaseException:
        await pool.release(spare)
        raise
    return spare


async def _give_back(redis: Redis, connection: Any) -> None:
    pool = redis.connection_pool
    if redis in _spares or pool.max_connections < SPARE_FROM:
        await pool.release(connection)
    else:
        _spares[redis] = connection


_spares: WeakKeyDictionary[Redis, Any] = WeakKeyDictionary()
"""The connection that a client keeps aside; closed with the client, as it is its pool's."""
