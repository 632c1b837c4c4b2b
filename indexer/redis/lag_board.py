"""What waits for the indexing workers, as they say: `RedisLagBoard`, shared by all processes, and its double."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
from redis.asyncio import Redis

from indexer.ports.changes import ToldLag
from indexer.redis.client import redis_call
from indexer.redis.pipelining import ask_together

TOLD_FOR_S = 2.5
"""What is older is forgotten: a worker that lives says it again every second."""

# KEYS: partitions. ARGV: for how many milliseconds, then what is told of each.
_TELL = "for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i + 1], 'PX', ARGV[1]) end"
_told = msgspec.json.Decoder(ToldLag)


class RedisLagBoard:
    """`LagBoard` over keys of Redis that expire."""

    def __init__(self, redis: Redis, group: str, deadline_s: float = 0.5, told_for_s: float = TOLD_FOR_S) -> None:
        """Args: group: whose lag it is."""
        self._redis = redis
        self._group = group
        self._deadline_s = deadline_s
        self._told_for_ms = int(told_for_s * 1000)
        self._tell = redis.register_script(_TELL)

    async def tell(self, lag: Mapping[tuple[str, int], ToldLag]) -> None:
        if lag:
            keys = [self._key(partition) for partition in lag]
            async with redis_call(self._deadline_s):
                await self._tell(keys=keys, args=[self._told_for_ms, *map(msgspec.json.encode, lag.values())])

    async def read(self, partitions: Sequence[tuple[str, int]]) -> list[ToldLag | None]:
        async with redis_call(self._deadline_s):
            keys = [self._key(partition) for partition in partitions]
            values: list[bytes | None] = (await ask_together(self._redis, [("MGET", *keys)]))[0] if keys else []
        return [None if value is None else _decoded(value) for value in values]

    def _key(self, partition: tuple[str, int]) -> str:
        # All in one slot of a cluster, so that one command reads them.
        topic, number = partition
        return f"vitrine:lag:{{{self._group}}}:{topic}:{number}"


def _decoded(value: bytes | str) -> ToldLag | None:
    """What was told; None where a worker of another version told it in words of its own: then nobody has spoken."""
    try:
        return _told.decode(value)
    except msgspec.DecodeError:
        return None


class InMemoryLagBoard:
    """The double of `RedisLagBoard` within one process."""

    def __init__(self, told_for_s: float = TOLD_FOR_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._told_for_s = told_for_s
        self._clock = clock
        self._told: dict[tuple[str, int], tuple[float, ToldLag]] = {}

    async def tell(self, lag: Mapping[tuple[str, int], ToldLag]) -> None:
        now = self._clock()
        self._told |= {partition: (now, told) for partition, told in lag.items()}

    async def read(self, partitions: Sequence[tuple[str, int]]) -> list[ToldLag | None]:
        oldest = self._clock() - self._told_for_s
        told = (self._told.get(partition, (float("-inf"), None)) for partition in partitions)
        return [lag if at > oldest else None for at, lag in told]
