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
from starlette.types import ExceptionHandler, Scope

from query_api.access.callers import CALLER_ID, OPEN_CALLER, Caller
from query_api.access.callers import Scope as AccessScope
from query_api.access.gate import AccessGate, Sender
from query_api.errors import AccessRefused, AccessUnavailable, NotAuthenticated, NotAuthorised, TooManyRequests
from query_api.http.problems import problem, problem_response
from query_api.http.route_scopes import Requirement, requirement

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


def cors_middleware(gate: AccessGate | None) -> list[Middleware]:
    """What answers pages of other sites; none where none is named."""
    origins = gate.config.cors_origins if gate else ()
    if not origins:
        return []
    cors = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["authorization", "content-type", "cache-control"],
        expose_headers=["retry-after"],
        max_age=600,
    )
    return [cors]


def _guarded_route(route: Route, gate: AccessGate) -> Route:
    methods = sorted(cast(set[str], route.methods) - {"HEAD"})
    needs = requirement(methods[0], route.path)
    endpoint: Endpoint = route.endpoint

    @functools.wraps(endpoint)
    async def admitted(request: Request) -> Response:
        # `HotSearch` may have let it in, and it counts once.
        if CALLER not in request.scope:
            await admit(request.scope, needs, gate)
        return await endpoint(request)

    return Route(route.path, admitted, methods=methods)


async def admit(scope: Scope, needs: Requirement, gate: AccessGate) -> Caller:
    """Let a request in, by its ASGI scope, which tells `caller_of` from then on who asks.

    Raises:
        AccessRefused: they may not ask.
        AccessUnavailable: that cannot be found out just now.
        HTTPException: the route is served elsewhere.
    """
    caller = await gate.admit(_sender(scope), _access_scope(needs, scope, gate))
    scope[CALLER] = caller
    CALLER_ID.set(caller.id)
    return caller


def _access_scope(needs: Requirement, scope: Scope, gate: AccessGate) -> AccessScope | None:
    """The scope that is needed here. Raises `HTTPException` where the route is served elsewhere."""
    if needs == "open":
        return None
    if needs not in ("health", "metrics"):
        return needs
    by_ops = scope.get(OPS, False)
    if gate.config.ops_port and not by_ops:
        raise HTTPException(404)
    return "admin" if needs == "metrics" and not by_ops else None


def _sender(scope: Scope) -> Sender:
    # Several headers of a name are one list; two keys are no key.
    authorization: str | None = None
    forwarded: str | None = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = _joined(authorization, ", ", value)
        elif name == b"x-forwarded-for":
            forwarded = _joined(forwarded, ",", value)
    client = scope.get("client")
    return Sender(authorization, client[0] if client else "", forwarded or "")


def _joined(former: str | None, separator: str, value: bytes) -> str:
    text = value.decode("latin-1")
    return text if former is None else f"{former}{separator}{text}"


def refusal(error: AccessRefused | AccessUnavailable) -> Response:
    """401 and 403 with a challenge (RFC 6750), 429 and 503 with `Retry-After`."""
    if isinstance(error, AccessUnavailable):
        return problem_response(problem(503, str(error)), {"retry-after": "1"})
    headers: dict[str, str] = {}
    if isinstance(error, NotAuthenticated):
        headers["www-authenticate"] = _CHALLENGE if error.is_missing else f'{_CHALLENGE}, error="invalid_token"'
    elif isinstance(error, NotAuthorised):
        headers["www-authenticate"] = f'{_CHALLENGE}, error="insufficient_scope"'
    elif isinstance(error, TooManyRequests):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    return problem_response(problem(error.status, str(error)), headers)


async def on_access_refused(_: Request, error: Exception) -> Response:
    """The answer to who may not ask, or where that cannot be found out."""
    assert isinstance(error, AccessRefused | AccessUnavailable)
    return refusal(error)


ACCESS_HANDLERS: dict[type[Exception], ExceptionHandler] = {
    AccessRefused: on_access_refused,
    AccessUnavailable: on_access_refused,
}
