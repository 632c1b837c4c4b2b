"""Image hosts of the harness, each bad in its own way until it is healed."""

from __future__ import annotations

import asyncio
import struct
import threading
import zlib
from collections.abc import Awaitable, Callable
from types import TracebackType

from aiohttp import web

from tests.chaos.load import jpeg

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BOMB_SIDE = 60_000
INSIDE = "/inside.jpg"
CHUNK = bytes(2**16)


class ImageSites:
    """One host a way of failing, each on a port of its own, in a thread; a context manager."""

    def __init__(self) -> None:
        self._healed = False
        self.is_inside_seen = False
        """Whether somebody followed the redirect to the private address."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._ports: dict[str, int] = {}
        self._asked: dict[str, int] = {}
        self._ways: dict[str, Handler] = {
            "hangs": self._hang,
            "answers 500": self._fail,
            "sends endless bytes": self._flood,
            "redirects to a private address": self._redirect,
            "serves a bomb": self._bomb,
        }

    def __enter__(self) -> ImageSites:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def ways(self) -> list[str]:
        """The ways of failing."""
        return list(self._ways)

    def url(self, way: str, name: str) -> str:
        """The address of a picture on the host that fails in this way."""
        return f"http://localhost:{self._ports[way]}/{name}.jpg"

    def asked(self, way: str) -> int:
        """How often a host was asked for a picture."""
        return self._asked.get(way, 0)

    def heal(self) -> None:
        """Serve good pictures from now on."""
        self._healed = True

    async def _open(self) -> None:
        self._runners = [await self._site(way, handler) for way, handler in self._ways.items()]

    async def _close(self) -> None:
        for runner in self._runners:
            await runner.cleanup()

    async def _site(self, way: str, handler: Handler) -> web.AppRunner:
        async def answer(request: web.Request) -> web.StreamResponse:
            self._asked[way] = self._asked.get(way, 0) + 1
            self.is_inside_seen |= request.path == INSIDE
            if self._healed:
                return web.Response(body=jpeg((10, 200, 90)), content_type="image/jpeg")
            return await handler(request)

        app = web.Application()
        app.router.add_get("/{name}", answer)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._ports[way] = runner.addresses[0][1]
        return runner

    async def _hang(self, request: web.Request) -> web.StreamResponse:
        while not self._healed:
            await asyncio.sleep(0.1)
        return web.Response(status=503)

    async def _fail(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    async def _flood(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/jpeg"})
        await response.prepare(request)
        while not self._healed:
            await response.write(CHUNK)
        return response

    async def _redirect(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"http://127.0.0.1:{self._ports['answers 500']}{INSIDE}")

    async def _bomb(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=bomb(), content_type="image/png")


def bomb() -> bytes:
    """A picture of a few kilobytes that takes gigabytes once it is decoded."""
    header = struct.pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 8, 2, 0, 0, 0)
    packed = zlib.compressobj(9)
    rows = b"".join(packed.compress(bytes(1 + 3 * BOMB_SIDE)) for _ in range(200)) + packed.flush()
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
