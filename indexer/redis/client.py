"""The connection to Redis that the stores share, and the one place where its errors are translated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from indexer.errors import StoreUnavailable


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """Where Redis is and how long to wait for it."""

    url: str = ""
    """`redis://…`; empty: the embedded server."""
    deadline_s: float = 0.5
    """The longest that one call may take, connecting included."""
    connections: int = 32

    def __post_init__(self) -> None:
        if self.deadline_s <= 0 or self.connections < 1:
            raise ValueError("redis.deadline_s and redis.connections must be positive")


def connect_redis(config: RedisConfig) -> Redis:
    """A client over a bounded pool; opens no connection yet. Close it with `aclose`."""
    pool = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]
        config.url,
        max_connections=config.connections,
        timeout=config.deadline_s,
        socket_timeout=config.deadline_s,
        socket_connect_timeout=config.deadline_s,
    )
    return Redis.from_pool(pool)


@asynccontextmanager
async def redis_call(deadline_s: float) -> AsyncGenerator[None]:
    """Bound a call to Redis in time and turn its failures into `StoreUnavailable`."""
    try:
        async with asyncio.timeout(deadline_s):
            yield
    except TimeoutError as error:
        raise StoreUnavailable(f"Redis did not answer within {deadline_s} s") from error
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis refused: {error}") from error
