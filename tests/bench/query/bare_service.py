"""The least that an HTTP service over Redis can be: `python -m tests.bench.query.bare_service PORT REDIS_URL`.

A plain ASGI application in uvicorn with httptools and uvloop: `GET /KEY` is one Redis GET by redis-py with hiredis, and
its value the answer. Without a Redis it is not even that: a fixed answer from a bare protocol, which tells how much the
one who asks can ask.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import uvicorn
import uvloop
from redis.asyncio import BlockingConnectionPool, Redis

CONNECTIONS = 32
"""To Redis, at most."""
FIXED_BODY = b"x" * 4_096

Message = dict[str, Any]


class BareService:
    """The application."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        body = await self._redis.get(scope["path"])
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body or b""))]
        await send({"type": "http.response.start", "status": 200 if body else 404, "headers": headers})
        await send({"type": "http.response.body", "body": body or b""})


class FixedAnswer(asyncio.Protocol):
    """The same answer to whatever comes."""

    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(FIXED_BODY), FIXED_BODY)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(self.answer)


async def answer_fixed(port: int) -> None:
    """Answer until it is killed."""
    server = await asyncio.get_running_loop().create_server(FixedAnswer, "127.0.0.1", port)
    await server.serve_forever()


async def answer_from_redis(port: int, redis_url: str) -> None:
    """Answer until it is told to stop."""
    pool = BlockingConnectionPool.from_url(redis_url, max_connections=CONNECTIONS)
    config = uvicorn.Config(
        BareService(Redis(connection_pool=pool)),
        port=port,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
    )
    await uvicorn.Server(config).serve()


def main() -> None:
    """Answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("redis_url", nargs="?")
    given = parser.parse_args()
    uvloop.run(answer_from_redis(given.port, given.redis_url) if given.redis_url else answer_fixed(given.port))


if __name__ == "__main__":
    main()
