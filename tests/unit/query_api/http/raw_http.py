"""A served shop, and raw sockets to speak to it as no client library would."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from query_api.config import QueryConfig
from query_api.http.server.server import QueryServer, build_server


@dataclass
class Served:
    """A server that answers on a port of this machine."""

    server: QueryServer
    port: int

    async def connect(self) -> Raw:
        return Raw(*await asyncio.open_connection("127.0.0.1", self.port))

    async def ask(self, request: bytes) -> bytes:
        """What comes back of these bytes until the server closes, or says nothing for half a second."""
        async with await self.connect() as raw:
            await raw.send(request)
            return await raw.read_all()


class Raw:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def __aenter__(self) -> Raw:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        with contextlib.suppress(OSError):
            await self.writer.drain()

    async def read(self) -> bytes:
        """What there is; nothing: the server has closed."""
        try:
            async with asyncio.timeout(5):
                return await self._reader.read(1 << 20)
        except OSError:
            return b""

    async def read_all(self, quiet_s: float = 0.5) -> bytes:
        """All until the server closes, or says nothing for `quiet_s`."""
        data = b""
        with contextlib.suppress(TimeoutError, OSError):
            while True:
                async with asyncio.timeout(quiet_s):
                    piece = await self._reader.read(1 << 20)
                if not piece:
                    break
                data += piece
        return data

    async def is_closed(self) -> bool:
        """Whether the server closes within five seconds; what it says before is dropped."""
        try:
            async with asyncio.timeout(5):
                while await self._reader.read(1 << 20):
                    pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True


@asynccontextmanager
async def serve(app: Any, tls: ssl.SSLContext | None = None, **config: Any) -> AsyncIterator[Served]:
    """Serve an application with these settings on any free port."""
    server = build_server(app, QueryConfig(port=0, **config))
    if tls is not None:
        server.config.load()
        server.config.ssl = tls
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield Served(server, server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = server.force_exit = True
        await task


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: shop", *headers, "", ""]).encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: shop", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
