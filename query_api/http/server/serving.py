"""Serving: the worker's port, and beside it the one for health and metrics, where there is to be one."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from query_api.config import QueryConfig
from query_api.http.access_guard import OPS
from query_api.http.problems import problem, problem_response
from query_api.http.route_scopes import OPS_PATHS
from query_api.http.server.certificates import Certificates
from query_api.http.server.process_group import GroupApp, GroupMember, PrivateServer
from query_api.http.server.server import QueryServer, build_server


async def serve(app: ASGIApp, config: QueryConfig, member: GroupMember | None = None) -> None:
    """Answer until SIGTERM or SIGINT; health and metrics as long as requests are under way.

    Args:
        member: which of several processes on the port this is; None: the only one.

    Raises:
        InvalidAccess: the certificate cannot be used.
    """
    async with AsyncExitStack() as resources:
        if member is not None:
            private = PrivateServer(OpsApp(app), member)
            resources.push_async_callback(_stop, private, asyncio.create_task(private.serve()))
            app = GroupApp(app, member)
        server = build_server(app, config)
        if config.ssl_certfile:
            certificates = Certificates(config.ssl_certfile, config.ssl_keyfile)
            server.config.ssl_context_factory = certificates.context_of
            watching = asyncio.create_task(certificates.run())
            resources.callback(watching.cancel)
        if config.ops_port:
            built = build_server(OpsApp(app), _ops_config(config))
            ops = _OpsServer(built.config, built.connections)
            answering = asyncio.create_task(ops.serve())
            resources.push_async_callback(_stop, ops, answering)
        await server.serve()


class OpsApp:
    """The part of the application that operators ask: health, readiness, metrics; without keys."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPS_PATHS:
            await problem_response(problem(404, f"here are {', '.join(OPS_PATHS)}"))(scope, receive, send)
        else:
            await self._app({**scope, OPS: True}, receive, send)


class _OpsServer(QueryServer):
    """A second server in the process: signals are the first one's."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _ops_config(config: QueryConfig) -> QueryConfig:
    # In plain HTTP: probes know no certificate, and nothing secret is here.
    host = config.ops_host or config.host
    return replace(config, host=host, port=config.ops_port, ops_port=0, ssl_certfile="", ssl_keyfile="")


async def _stop(server: uvicorn.Server, answering: asyncio.Task[None]) -> None:
    server.should_exit = True
    await answering
