"""Switches to another generation of the index between two requests: none fails, none is answered from both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from query_api.http.app import create_app
from query_api.wiring.components import wire
from query_api.wiring.ports import QueryPorts

log = logging.getLogger(__name__)

DRAIN_S = 30.0
"""How long requests of a former generation may go on after a switch."""


class ServedGeneration:
    """The application over one generation, with its background work; it counts the requests that it is answering."""

    def __init__(self, ports: QueryPorts, resources: AsyncExitStack) -> None:
        """Args: resources: what the ports are made of, closed with this."""
        self.generation = ports.generation
        self._beside, self._components = ports.beside, wire(ports)
        self._app: Starlette = create_app(ports, self._components)
        self._resources = resources
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self) -> ServedGeneration:
        """Start its background work, and have it answer shoppers whose variant names it; returns itself."""
        await self._resources.enter_async_context(self._app.router.lifespan_context(self._app))
        self._beside.add(self.generation, self._components, self._answering)
        return self

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, all of it from this generation unless its shopper's variant names another."""
        with self._answering():
            await self._app(scope, receive, send)

    @contextmanager
    def _answering(self) -> Generator[None, None, None]:
        self._requests += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    async def aclose(self) -> None:
        """Wait at most `DRAIN_S` for the requests that it is answering; then close its resources."""
        self._beside.remove(self.generation)
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._idle.wait()
        except TimeoutError:
            log.warning("requests_cut_off", extra={"requests": self._requests, "generation": self.generation})
        await self._resources.aclose()


class SwitchingApp:
    """An ASGI application that gives each request to the generation that is served when it comes in."""

    def __init__(self, served: ServedGeneration) -> None:
        self.served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.served.handle(scope, receive, send)

    def switch(self, to: ServedGeneration) -> ServedGeneration:
        """Serve another generation from now on; returns the former one, to be closed by the caller."""
        former, self.served = self.served, to
        log.info("generation_switched", extra={"to": to.generation, "from": former.generation})
        return former
