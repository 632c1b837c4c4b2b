"""A connection of its own to Redis, which knows the life of the server at its other end."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript as Script
from redis.exceptions import AskError, NoScriptError, ResponseError
from redis.exceptions import ConnectionError as NoConnection

from indexer.redis.cluster import ClusterRedis
from indexer.redis.protocol import pack

PAUSE_S = 1.0
"""Less than any `cluster-node-timeout` that is of use."""


class OwnConnection:
    """Commands over one connection that is never replaced unnoticed. One call at a time.

    A server that restarts closes its connections. So as long as this one lives, so does the server, with all that it
    was told; a new one asks the server who it is. Where it may not ask (`INFO` is no right of its user), each
    connection counts as a life of its own.

    In a cluster, a server that takes another's place begins a life too, as it may lack the last that the other was
    told. Connections outlive that, so a server is asked again after each pause: within one it cannot have happened
    twice.
    """

    def __init__(self, redis: Redis, key: str) -> None:
        """Args: key: of which the server is, where there are several."""
        self._redis = redis
        self._key = key
        self._in_cluster = isinstance(redis, ClusterRedis)
        self._pool: Any = None
        self._connection: Any = None
        self._epoch = ""
        self._called_s = 0.0

    async def call(self, *command: str | int) -> tuple[str, Any]:
        """The server's life, and its answer. Raises what redis-py raises."""
        if self._connection is None or not self._connection.is_connected:
            await self._connect()
        elif self._in_cluster and time.monotonic() - self._called_s > PAUSE_S:
            self._epoch = await self._server_id()
        self._called_s = time.monotonic()
        return self._epoch, await self._ask(*command)

    async def run(self, script: Script, keys: Sequence[str], *arguments: str | int) -> tuple[str, Any]:
        """The server's life, and what a script gives in it."""
        command = ("EVALSHA", script.sha, len(keys), *keys, *arguments)
        try:
            return await self.call(*command)
        except NoScriptError:
            await self.call("SCRIPT", "LOAD", str(script.script))
            return await self.call(*command)

    async def aclose(self) -> None:
        """Close the connection, if there is one; the next call makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    async def _connect(self) -> None:
        await self.aclose()
        redis = self._redis
        self._pool = await redis.pool_of(self._key) if isinstance(redis, ClusterRedis) else redis.connection_pool
        self._connection = await self._pool.get_connection()
        self._epoch = await self._server_id()

    async def _server_id(self) -> str:
        try:
            lines: bytes = await self._ask("INFO", *(() if self._in_cluster else ("server",)))
        except ResponseError:
            return uuid.uuid4().hex
        # Each time that a server takes another's place, what it says from then on has a number of its own.
        names = ("run_id:", "master_replid:") if self._in_cluster else ("run_id:",)
        found = [line for line in lines.decode(errors="replace").splitlines() if line.startswith(names)]
        return "".join(line.partition(":")[2] for line in found) if found else uuid.uuid4().hex

    async def _ask(self, *command: str | int) -> Any:
        try:
            await self._connection.send_packed_command([pack(command)], check_health=False)
            return await self._connection.read_response()
        except AskError as moved:
            await self.aclose()
            raise NoConnection("another server has its key now") from moved
        except ResponseError:
            raise
        except BaseException:
            # Of a connection with an answer outstanding nothing more can be read.
            await self.aclose()
            raise
