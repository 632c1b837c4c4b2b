"""The gate before each route, and before all of them: who may call, from where, under which name."""

from __future__ import annotations

import functools
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

from query_api.access.callers import CALLER_ID, OPEN_CALLER, Caller
from query_api.access.callers import Scope as AccessScope
from query_api.access.gate import AccessGate, Sender, is_address
from query_api.errors import AccessRefused, AccessUnavailable, NotAuthenticated, NotAuthorised, TooManyRequests
from query_api.http.problems import problem, problem_response
from query_api.http.route_scopes import OPS_PATHS, Requirement, requirement

Endpoint = Callable[[Request], Awaitable[Response]]
CALLER = "vitrine.caller"
OPS = "vitrine.ops"
"""Keys of the ASGI scope: who asks, and whether they came by `query.ops_port`."""
_CHALLENGE = 'Bearer realm="vitrine"'


def caller_of(request: Request) -> Caller:
    """Who asks."""
    return request.scope.get(CALLER, OPEN_CALLER)


def guarded(routes: Sequence[Route], gate: AccessGate | None) -> list[Route]:
    """The routes, each behind the gate with what it asks for; None: everything is open."""
    if gate is None:
        return list(routes)
    return [_guarded_route(route, gate) for route in routes]


def access_middleware(gate: AccessGate | None) -> list[Middleware]:
    """What comes before the routes: the names that the worker is called by, and other sites' pages."""
    if gate is None:
        return []
    origins = gate.config.cors_origins
    cors = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["authorization", "content-type", "cache-control"],
        expose_headers=["retry-after"],
        max_age=600,
    )
    return [Middleware(AllowedHosts, gate=gate), *([cors] if origins else [])]


class AllowedHosts:
    """Refuses requests under names that are not this worker's: pages of other sites that point their name here."""

    def __init__(self, app: ASGIApp, gate: AccessGate) -> None:
        self._app = app
        self._hosts = gate.hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._hosts.takes_all and not self._is_fine(scope):
            detail = "the worker is not called by this name; query.allowed_hosts lists those it takes"
            return await problem_response(problem(400, detail))(scope, receive, send)
        return await self._app(scope, receive, send)

    def _is_fine(self, scope: Scope) -> bool:
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        # Probes call by address, and so can no page of another site.
        is_probe = scope.get(OPS) or (scope["path"] in OPS_PATHS and is_address(host))
        return is_probe or self._hosts.takes(host)


def _guarded_route(route: Route, gate: AccessGate) -> Route:
    methods = sorted(cast(set[str], route.methods) - {"HEAD"})
    needs = requirement(methods[0], route.path)
    endpoint: Endpoint = route.endpoint

    @functools.wraps(endpoint)
    async def admitted(request: Request) -> Response:
        caller = await gate.admit(_sender(request), _scope(needs, request, gate))
        request.scope[CALLER] = caller
        CALLER_ID.set(caller.id)
        return await endpoint(request)

    return Route(route.path, admitted, methods=methods)


def _scope(needs: Requirement, request: Request, gate: AccessGate) -> AccessScope | None:
    """The scope that is needed here. Raises `HTTPException` where the route is served elsewhere."""
    if needs == "open":
        return None
    if needs not in ("health", "metrics"):
        return needs
    by_ops = request.scope.get(OPS, False)
    if gate.config.ops_port and not by_ops:
        raise HTTPException(404)
    return "admin" if needs == "metrics" and not by_ops else None


def _sender(request: Request) -> Sender:
    headers = request.headers
    # Several headers of a name are one list; two keys are no key.
    authorizations = headers.getlist("authorization")
    authorization = ", ".join(authorizations) if authorizations else None
    peer = request.client.host if request.client else ""
    return Sender(authorization, peer, ",".join(headers.getlist("x-forwarded-for")))


async def on_access_refused(_: Request, error: Exception) -> Response:
    """401 and 403 with a challenge (RFC 6750), 429 with `Retry-After`."""
    assert isinstance(error, AccessRefused)
    headers: dict[str, str] = {}
    if isinstance(error, NotAuthenticated):
        headers["www-authenticate"] = _CHALLENGE if error.is_missing else f'{_CHALLENGE}, error="invalid_token"'
    elif isinstance(error, NotAuthorised):
        headers["www-authenticate"] = f'{_CHALLENGE}, error="insufficient_scope"'
    elif isinstance(error, TooManyRequests):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    return problem_response(problem(error.status, str(error)), headers)


async def on_access_unavailable(_: Request, error: Exception) -> Response:
    """503 with `Retry-After`."""
    return problem_response(problem(503, str(error)), {"retry-after": "1"})


ACCESS_HANDLERS: dict[type[Exception], ExceptionHandler] = {
    AccessRefused: on_access_refused,
    AccessUnavailable: on_access_unavailable,
}
