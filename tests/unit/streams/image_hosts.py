"""Image hosts on this machine, good and bad, over HTTP and over bare sockets."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web


class ImageHost:
    """A host that behaves in all the ways that hosts do, one a path."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: Counter[str] = Counter()
        self.at_once = 0
        self.most_at_once = 0
        self.files: dict[str, bytes] = {"/ok": b"picture"}
        self.etags: dict[str, str] = {}
        self.retry_after = ""
        self.headers: list[dict[str, str]] = []
        self.statuses: list[int] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        self.headers.append(dict(request.headers))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            handler = getattr(self, "_" + request.path.strip("/").replace("-", "_"), self._file)
            return await handler(request)
        finally:
            self.at_once -= 1

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if request.path not in self.files:
            return web.Response(status=404)
        etag = self.etags.get(request.path)
        headers = {"ETag": etag} if etag else {}
        if etag and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.files[request.path], headers=headers)

    async def _slow(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.05)
        return web.Response(body=b"slow " + request.query_string.encode())

    async def _flaky(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=self.statuses.pop(0), body=b"at last")

    async def _failing(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    async def _later(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": self.retry_after})

    async def _status(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=int(request.query_string))

    async def _redirect(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def _loop(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/loop"})

    async def _nowhere(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=302)

    async def _big(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * 1_001)

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        return await _pour(request, b"x" * 500, 0.0)

    async def _drip(self, request: web.Request) -> web.StreamResponse:
        return await _pour(request, b"x", 0.02)

    async def _hang(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async def _gzip_bomb(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=gzip.compress(bytes(10**6))[:900], headers={"Content-Encoding": "gzip"})

    async def _cookie(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"picture", headers={"Set-Cookie": "session=secret"})


async def _pour(request: web.Request, chunk: bytes, pause_s: float) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(chunk)
        await asyncio.sleep(pause_s)


@asynccontextmanager
async def serving(host: ImageHost) -> AsyncIterator[ImageHost]:
    """The host, at its `url`, by name."""
    app = web.Application()
    app.router.add_get("/{path:.*}", host.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host.url = f"http://localhost:{runner.addresses[0][1]}"
    try:
        yield host
    finally:
        await runner.cleanup()


@asynccontextmanager
async def bare_host(reply: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """A host that writes what it likes to whoever connects; yields its URL by name."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await reply(writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
