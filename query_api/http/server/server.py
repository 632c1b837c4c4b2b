"""The HTTP server of a query worker: uvicorn, with the worker's limits on connections."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import resource
import socket
import sys
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from query_api.config import QueryConfig
from query_api.http.server.connections import Connections
from query_api.http.server.protocol import LimitedProtocol

log = logging.getLogger(__name__)

DRAIN_S = 10
"""How long requests under way may take when the worker is told to stop."""
OTHER_FILES = 512
"""Files and connections that a worker has open beside those of its clients, at most."""
SEND_BUFFER_BYTES = 256 * 2**10
"""What the kernel keeps of answers for each connection, which it doubles: 5 MB/s at 100 ms from the client."""
TICK_S = 0.5
_COUNTS_PER_TICK = 5
"""uvicorn counts tenths of a second."""


class QueryServer(uvicorn.Server):
    """uvicorn's server, which closes connections that take too long."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        self._is_stopping = False
        self._wake: Callable[[], object] = bool
        super().__init__(config)
        self.connections = connections

    @property
    def should_exit(self) -> bool:
        """Whether it was told to stop; by a signal, or from any thread."""
        return self._is_stopping

    @should_exit.setter
    def should_exit(self, value: bool) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._is_stopping = value
        self._wake()

    async def main_loop(self) -> None:
        """Serve until it is told to stop. uvicorn's own wakes ten times a second to see whether it was."""
        counter, told = 0, asyncio.Event()
        self._wake = functools.partial(asyncio.get_running_loop().call_soon_threadsafe, told.set)
        try:
            while not await self.on_tick(counter):
                counter = (counter + _COUNTS_PER_TICK) % 864_000
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await told.wait()
        finally:
            self._wake = bool

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. uvicorn's own, but that half of a TLS handshake is not waited for as long as asyncio does: 60 s."""
        config, limits = self.config, self.connections.config
        if sockets is not None:
            await super().startup(sockets)
            return
        await self.lifespan.startup()
        handshake_s = limits.header_deadline_s if config.ssl else None

        def connected() -> asyncio.Protocol:
            return LimitedProtocol(
                self.connections, config=config, server_state=self.server_state, app_state=self.lifespan.state
            )

        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                connected,
                config.host,
                config.port,
                ssl=config.ssl,
                backlog=config.backlog,
                # None: as the loop has it for one process alone.
                reuse_port=limits.processes > 1 or None,
                ssl_handshake_timeout=handshake_s,
            )
        except OSError as error:
            log.error("address_not_available", extra={"reason": str(error)})
            sys.exit(STARTUP_FAILURE)
        for listening in server.sockets:
            # Connections inherit it. The kernel would take up to 4 MB for each client that does not read.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self.servers = [server]
        self.started = True

    async def on_tick(self, counter: int) -> bool:
        """What is done twice a second; returns whether to stop."""
        self.connections.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def build_server(app: ASGIApp, config: QueryConfig) -> QueryServer:
    """A server of an application whose life its caller looks after; `serve()` answers until SIGTERM or SIGINT."""
    connections = Connections(config)
    _allow_files(config.max_connections + OTHER_FILES)
    server = uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Whom the worker believes is for query.trusted_proxies to say.
        proxy_headers=False,
        timeout_keep_alive=int(config.keep_alive_s),
        timeout_graceful_shutdown=DRAIN_S,
    )
    return QueryServer(server, connections)


def _allow_files(count: int) -> None:
    """Let this process have so many files open, as far as its hard limit goes: 1,024 is the usual soft one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        with contextlib.suppress(ValueError, OSError):
            most = count if hard == resource.RLIM_INFINITY else min(count, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
