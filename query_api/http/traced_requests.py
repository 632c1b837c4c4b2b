"""A server span for each request, in its caller's trace where it names one.

What a span tells is the route, the method and the status: paths and parameters hold ids and queries. Probes and metrics
have no spans, nor do requests under a wrong name. Answers say nothing of traces: who asks for one has its id already.

Source: OpenTelemetry, "Semantic conventions for HTTP spans".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence

from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encoders.tracing.spans import Span, Tracer, entered
from encoders.tracing.trace_context import context_of_request
from query_api.http.edge import CLIENT_GONE, METHODS
from query_api.http.route_scopes import OPS_PATHS
from query_api.http.whole_answers import WHOLE


def traces_middleware(tracer: Tracer | None, routes: Sequence[Route]) -> list[Middleware]:
    """What has requests traced; None: nothing is on their way."""
    if tracer is None:
        return []
    paths = {_name(route.endpoint): re.sub(r":\w+}", "}", route.path) for route in routes}
    return [Middleware(TracedRequests, tracer=tracer, paths=paths)]


class TracedRequests:
    """A middleware within `Edge`, which counts what this tells of."""

    def __init__(self, app: ASGIApp, tracer: Tracer, paths: Mapping[str, str]) -> None:
        """Args: paths: of the routes, by the names of their endpoints."""
        self._app = app
        self._tracer = tracer
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPS_PATHS:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        parent = context_of_request(scope["headers"])
        span = self._tracer.begin(_verb(scope), "server", {"http.request.method": method}, parent)
        with entered(span):
            if span.is_recorded:
                await self._recorded(span, scope, receive, send)
            else:
                await self._app(scope, receive, send)

    async def _recorded(self, span: Span, scope: Scope, receive: Receive, send: Send) -> None:
        status, error = 500, ""

        def send_seen(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == WHOLE:
                status = 200
            return send(message)

        try:
            await self._app(scope, receive, send_seen)
        except BaseException as raised:
            status = CLIENT_GONE if isinstance(raised, asyncio.CancelledError) else 500
            error = type(raised).__name__
            raise
        finally:
            self._finish(span, scope, status, error)

    def _finish(self, span: Span, scope: Scope, status: int, error: str) -> None:
        span.set({"http.response.status_code": status})
        route = self._paths.get(_name(scope.get("endpoint")))
        if route is not None:
            span.set({"http.route": route})
            span.rename(f"{_verb(scope)} {route}")
        span.end(error or (str(status) if status >= 500 else ""))


def _verb(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "HTTP"


def _name(endpoint: object) -> str:
    return getattr(endpoint, "__qualname__", "")
