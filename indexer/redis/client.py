"""The connection to Redis that the stores share, and the one place where its errors are translated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.credentials import CredentialProvider
from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterCrossSlotError,
    ClusterDownError,
    MovedError,
    NoPermissionError,
    RedisClusterException,
    RedisError,
)

from indexer.credential_files import SecretFile
from indexer.deadlines import fair_timeout
from indexer.errors import AccessDenied, StoreUnavailable, causes
from indexer.redis.cluster import ClusterRedis
from indexer.redis.config import RedisConfig as RedisConfig
from indexer.redis.tls import ReloadedContext, TLSConnection
from indexer.redis.tls_faults import tls_fault

_NOT_ALLOWED = ("ACL failure in script", "The user executing the script", "NOPERM")
"""What Redis says in a script, where it gives the failure no class of its own."""
_CHECKS = 3
_CHECK_AGAIN_S = 0.1
_NO_PASSWORD = ("NOAUTH", "Authentication required")
_OF_A_CLUSTER = AskError | ClusterCrossSlotError | ClusterDownError | MovedError
"""What no other Redis says."""
_OF_TWO_SLOTS = ("vitrine:popularity", "vitrine:user:")
"""Keys that workers may read, and a cluster not in one command."""


def connect_redis(config: RedisConfig) -> Redis:
    """A client over a bounded pool; opens no connection yet. Close it with `aclose`.

    The one way to Redis, for every program: TLS, users and passwords are known here alone. Files of them are looked
    at again for each new connection.

    Raises:
        AccessDenied: a file of a password, a certificate or a key cannot be used.
    """
    parts = config.url_parts()
    files = config.tls_files(parts)
    named = {name: parts.pop(name, None) for name in ("username", "password")}
    options: dict[str, Any] = {
        # Each call is bounded as a whole, by `redis_call`. With a bound of its own for each write, redis-py writes by
        # `asyncio.wait_for`, which up to Python 3.11 loses a cancellation that comes as the write ends.
        "socket_timeout": None,
        "socket_connect_timeout": config.deadline_s,
        "credential_provider": _credentials(config, named["username"], named["password"]),
    }
    kind: dict[str, Any] = {}
    if files is not None:
        kind = {"connection_class": TLSConnection, "context": ReloadedContext(files)}
    if config.is_cluster:
        # To those who use it, it is a Redis as any other, but for keys in one command or script that have to be in one
        # slot: `indexer.redis.sharding` says which are.
        return cast(Redis, ClusterRedis(config.addresses, options, kind))
    pooled: dict[str, Any] = {"max_connections": config.connections, "timeout": config.deadline_s}
    return Redis.from_pool(BlockingConnectionPool(**pooled | parts | options | kind))


@asynccontextmanager
async def open_redis(config: RedisConfig) -> AsyncGenerator[Redis]:
    """A client that is closed at the end; Redis need not be there, but if it is, it has to let us in.

    Raises:
        AccessDenied: Redis refuses us, or we refuse it.
    """
    redis = connect_redis(config)
    try:
        await _check_access(redis, config)
        yield redis
    finally:
        await redis.aclose()


async def _check_access(redis: Redis, config: RedisConfig) -> None:
    # A server that wants a certificate of ours may hang up before it has said so: it is asked again.
    for _ in range(_CHECKS):
        try:
            async with redis_call(config.deadline_s):
                await redis.execute_command("PING")  # pyright: ignore[reportUnknownMemberType]
                if not config.is_cluster:
                    with suppress(NoPermissionError):
                        await redis.exists(*_OF_TWO_SLOTS)
            return
        except AccessDenied:
            raise
        except StoreUnavailable as error:
            if not config.is_cluster and isinstance(error.__cause__, _OF_A_CLUSTER):
                raise _unnamed_cluster() from error
            if not (config.is_encrypted and _hung_up(error)):
                # It is away, and may come: whoever uses it copes with that.
                return
        await asyncio.sleep(_CHECK_AGAIN_S)
    raise AccessDenied(
        "Redis hangs up each time as soon as there is TLS, as it does on whom it asks for a certificate in vain: "
        "redis.ssl_certfile is what we show"
    )


def _hung_up(error: Exception) -> bool:
    return any(
        isinstance(at, ConnectionResetError | BrokenPipeError) or "closed by server" in str(at) for at in causes(error)
    )


class redis_call:
    """Bound a call to Redis in time and turn its failures into `StoreUnavailable`, `AccessDenied` among it."""

    # No generator: those take longer, and some searches wait for two calls.
    __slots__ = ("_deadline_s", "_timeout")

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._timeout = fair_timeout(deadline_s)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError as late:
            raise self._late() from late
        if isinstance(error, TimeoutError):
            raise self._late() from error
        if isinstance(error, RedisError | RedisClusterException | OSError):
            raise _translated(error) from error

    def _late(self) -> StoreUnavailable:
        return StoreUnavailable(f"Redis did not answer within {self._deadline_s} s")


def _unnamed_cluster() -> AccessDenied:
    return AccessDenied(
        "this Redis is a cluster, whose servers have a part of the keys each: write redis.url as "
        "redis+cluster://host:port, or rediss+cluster://host:port with TLS"
    )


def _translated(error: Exception) -> StoreUnavailable:
    if isinstance(error, RedisClusterException):
        # A cluster's client tells of what befell it at the first server as if there were none.
        *_, error = (at for at in causes(error) if isinstance(at, Exception))
    said = str(error)
    if isinstance(error, AuthenticationError) or said.startswith(_NO_PASSWORD):
        return AccessDenied(
            f"Redis does not know us ({said}): put right redis.username and redis.password or redis.password_file, or "
            "what redis.url has of them"
        )
    if isinstance(error, MovedError | ClusterCrossSlotError):
        return _unnamed_cluster()
    if "cluster support disabled" in said:
        return AccessDenied("redis.url says that this Redis is a cluster, and it is none: write redis:// or rediss://")
    if isinstance(error, NoPermissionError) or said.startswith(_NOT_ALLOWED):
        return AccessDenied(f"Redis denies our user a right ({said}): give it what deploy/redis/users.txt lists")
    if fault := tls_fault(error):
        return AccessDenied(fault)
    return StoreUnavailable(f"Redis refused: {error}")


class _Credentials(CredentialProvider):
    """Who we are, asked for each new connection."""

    def __init__(self, username: str, password: str, file: SecretFile | None) -> None:
        self._username = username
        self._password = password
        self._file = file

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        password = self._file.value() if self._file else self._password
        return (self._username, password) if self._username else (password,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        return self.get_credentials()


def _credentials(config: RedisConfig, username: str | None, password: str | None) -> CredentialProvider | None:
    """Who we are by the configuration, else by the URL; None: nobody in particular."""
    name = config.username or username or ""
    if config.password_file:
        return _Credentials(name, "", SecretFile("redis.password_file", config.password_file))
    secret = config.password or password or ""
    return _Credentials(name, secret, None) if name or secret else None
