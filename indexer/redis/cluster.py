"""A client of a Redis Cluster, whose servers have a part of the keys each, over redis-py's own."""

# What redis-py's cluster client knows of its servers is not wholly typed.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError, TryAgainError
from redis.exceptions import ConnectionError as NoConnection

from indexer.redis.protocol import Command, next_answers, pack

CONNECTIONS = 1_000
"""To each server at most: a cluster's client does not wait for one, it fails. There are as many as are used at once."""
REDIRECTIONS = 5
"""How often a command is sent on, while slots move between servers, or a replica takes over."""
TRY_AGAIN_S = 0.02
LOOK_S = 1.0
"""How long a server that does not answer is taken for the one that has its keys, before others are asked who does."""


class ClusterRedis(RedisCluster):
    """`Redis` over a cluster. Commands and pipelines find their servers; a script's keys have to be in one slot."""

    def __init__(
        self, addresses: Sequence[tuple[str, int]], options: Mapping[str, Any], connection: Mapping[str, Any]
    ) -> None:
        """Open no connection yet.

        Args:
            addresses: of some of its servers, which tell of the others.
            options: as redis-py's client takes them.
            connection: of each connection beside those, as its class.
        """
        nodes = [ClusterNode(host, port) for host, port in addresses]
        super().__init__(startup_nodes=nodes, max_connections=CONNECTIONS, **options)
        self.connection_kwargs.update(connection)
        named = {**connection}
        kind = named.pop("connection_class", None)
        for node in self.nodes_manager.startup_nodes.values():
            node.connection_class = kind or node.connection_class
            node.connection_kwargs.update(named)
        self._looked_s = 0.0

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """As redis-py's; whoever gives it up lets the next one look who has what."""
        try:
            return await super().execute_command(*args, **kwargs)
        except asyncio.CancelledError:
            self._look_again()
            raise

    async def aclose(self) -> None:
        """Close all connections, those too of servers that were to be asked again who has what."""
        await super().aclose()
        await self.nodes_manager.aclose()

    async def pool_of(self, key: str) -> _NodePool:
        """The connections to the server that has a key, as the servers say now. Raises what redis-py raises."""
        await self.initialize()
        await self.nodes_manager.initialize()
        return _NodePool(self._node_for(("GET", key)))

    async def server_names(self, keys: Sequence[str]) -> list[str]:
        """The servers that have keys, each by its address, as far as is known."""
        await self.initialize()
        return [self._node_for(("GET", key)).name for key in keys]

    async def ask_together(self, commands: Sequence[Command]) -> list[Any]:
        """As `indexer.redis.pipelining.ask_together`; each command has one key, or all of its keys in one slot.

        Servers are asked at once, each for all that it has. Of an `MGET` each key is asked for by itself: while a slot
        moves, no server has all.
        """
        if any(command[0] == "MGET" for command in commands):
            return await self._ask_singly(commands)
        await self.initialize()
        answers: list[Any] = [None] * len(commands)
        nodes = {at: self._node_for(command) for at, command in enumerate(commands)}
        asking: set[int] = set()
        for _ in range(REDIRECTIONS):
            await self._ask_nodes(commands, nodes, asking, answers)
            errors = {at: answers[at] for at in nodes if isinstance(answers[at], AskError | TryAgainError)}
            if not errors:
                return answers
            if any(isinstance(error, TryAgainError) for error in errors.values()):
                await asyncio.sleep(TRY_AGAIN_S)
            nodes, asking = await self._redirected(commands, errors)
        raise NoConnection("its servers do not agree who has a key")

    async def mget(self, keys: Sequence[str], *args: str) -> list[bytes | None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The values of keys, whichever servers have them."""
        return await self.ask_together([("GET", key) for key in (*keys, *args)])

    async def _ask_singly(self, commands: Sequence[Command]) -> list[Any]:
        parts = [[("GET", key) for key in command[1:]] if command[0] == "MGET" else [command] for command in commands]
        answers = iter(await self.ask_together([one for part in parts for one in part]))
        told = [list(islice(answers, len(part))) for part in parts]
        return [found if command[0] == "MGET" else found[0] for command, found in zip(commands, told, strict=True)]

    async def _ask_nodes(
        self, commands: Sequence[Command], nodes: Mapping[int, ClusterNode], asking: set[int], answers: list[Any]
    ) -> None:
        parts: defaultdict[tuple[ClusterNode, bool], list[int]] = defaultdict(list)
        for at, node in nodes.items():
            parts[node, at in asking].append(at)
        calls = [self._ask_node(*where, [commands[at] for at in part]) for where, part in parts.items()]
        told = await asyncio.gather(*calls, return_exceptions=True)
        for part, found in zip(parts.values(), told, strict=True):
            if isinstance(found, BaseException):
                raise found
            for at, answer in zip(part, found, strict=True):
                answers[at] = answer

    async def _ask_node(self, node: ClusterNode, asking: bool, commands: Sequence[Command]) -> list[Any]:
        connection: Any = node.acquire_connection()
        try:
            await node.disconnect_if_needed(connection)
            sent = [part for command in commands for part in ((("ASKING",), command) if asking else (command,))]
            await connection.send_packed_command([b"".join(map(pack, sent))])
            answers = await next_answers(connection, len(sent))
        except (RedisError, OSError):
            # It may be gone, and another server have taken its place: the next call looks who is there.
            self._initialize = True
            raise
        except asyncio.CancelledError:
            self._look_again()
            raise
        finally:
            node.release(connection)
        # One that is no more of the cluster's majority.
        self._initialize |= any(isinstance(answer, ClusterDownError) for answer in answers)
        return answers[1::2] if asking else answers

    def _look_again(self) -> None:
        """Have the next call ask who has what: somebody waited in vain, or just did not want to wait any more."""
        if (now_s := time.monotonic()) - self._looked_s > LOOK_S:
            self._initialize, self._looked_s = True, now_s

    async def _redirected(
        self, commands: Sequence[Command], errors: Mapping[int, Exception]
    ) -> tuple[dict[int, ClusterNode], set[int]]:
        """Where commands have to go that were refused, and which of them only by way of exception."""
        nodes: dict[int, ClusterNode] = {}
        asking: set[int] = set()
        for at, error in errors.items():
            if isinstance(error, MovedError):
                await self.nodes_manager.move_slot(error)
            elif isinstance(error, AskError):
                asking.add(at)
                nodes[at] = await self._named(error)
        return {at: nodes.get(at) or self._node_for(commands[at]) for at in errors}, asking

    async def _named(self, error: Any) -> ClusterNode:
        """The server that a refusal names."""
        for _ in range(2):
            if node := self.nodes_manager.get_node(host=error.host, port=error.port):
                return node
            await self.nodes_manager.initialize()
        raise NoConnection(f"nobody knows the server {error.host}:{error.port} of a slot that moves")

    def _node_for(self, command: Command) -> ClusterNode:
        key = command[3] if command[0] == "EVALSHA" else command[1]
        return self.nodes_manager.get_node_from_slot(self.keyslot(key))


@dataclass(frozen=True, slots=True)
class _NodePool:
    """A server's connections, as redis-py's pools give and take them."""

    node: ClusterNode

    async def get_connection(self) -> Any:
        """One that nobody else has; it may have to be opened, as sending does by itself."""
        return self.node.acquire_connection()

    async def release(self, connection: Any) -> None:
        """Give one back."""
        self.node.release(connection)


async def each_server(redis: Redis) -> list[dict[str, Any]]:
    """For each server that has keys, what is given to a command beside its arguments to be done there.

    Raises what redis-py raises.
    """
    if not isinstance(redis, ClusterRedis):
        return [{}]
    await redis.initialize()
    return [{"target_nodes": node} for node in redis.get_primaries()]


async def scan(redis: Redis, where: dict[str, Any], cursor: int, **wanted: Any) -> tuple[int, list[bytes]]:
    """The next names of keys at one of `each_server`, and where to go on; 0: these were the last."""
    untyped: Any = redis
    following, keys = await untyped.scan(cursor, **wanted, **where)
    return next(iter(following.values())) if where else following, keys
