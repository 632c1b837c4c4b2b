"""What every request goes through: the worker's names, security headers, counting and timing; a bound on its body.

All but the last in one middleware: what each cost was mostly that it was there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.memo import Memo
from query_api import metrics
from query_api.access.addresses import HostNames
from query_api.access.gate import is_address
from query_api.errors import InvalidRequest
from query_api.http.access_guard import OPS
from query_api.http.paths import routed_path
from query_api.http.problems import problem, problem_response
from query_api.http.route_scopes import OPS_PATHS
from query_api.http.whole_answers import WHOLE

Headers = Sequence[tuple[bytes, bytes]]

# Pictures come from wherever merchants keep them; everything else from here, and no script is inline.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: https: http:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}
_ADDED = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()] + [
    (b"cache-control", b"no-store")
]
_ADDED_NAMES = frozenset(name for name, _ in _ADDED)
_WRONG_NAME = problem_response(
    problem(400, "the worker is not called by this name; query.allowed_hosts lists those it takes")
)
CLIENT_GONE = 499
"""What metrics call a request whose client did not wait for the answer, as nginx does."""
HOSTS_BYTES = 64 * 2**10
"""Memory for names that the worker was called by."""
METHODS = ("GET", "HEAD", "POST", "DELETE")


class Edge:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp, hosts: HostNames | None) -> None:
        """Args: hosts: the names that the worker is called by; None: any."""
        self._app = app
        self._takes = None
        if hosts is not None and not hosts.takes_all:
            self._takes = Memo[bytes, bool](
                lambda host: hosts.takes(host.decode("latin-1")), lambda host, _: len(host) + 100, HOSTS_BYTES
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if b"%" in scope.get("raw_path", b""):
            scope = {**scope, "path": routed_path(scope["raw_path"])}
        status, started = 500, time.perf_counter()

        def send_complete(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = complete_headers(message.get("headers", ()))
            elif message["type"] == WHOLE:
                status = 200
            return send(message)

        metrics.requests_under_way += 1
        try:
            app = self._app if self._is_called(scope) else _WRONG_NAME
            await app(scope, receive, send_complete)
        except asyncio.CancelledError:
            status = CLIENT_GONE
            raise
        finally:
            metrics.requests_under_way -= 1
            # By endpoint, not by path: paths hold ids, and anybody can make up new ones.
            route = getattr(scope.get("endpoint"), "__qualname__", "none")
            method = scope["method"] if scope["method"] in METHODS else "other"
            metrics.count_request(route, method, status, time.perf_counter() - started)

    def _is_called(self, scope: Scope) -> bool:
        """Whether a request is under a name of this worker: pages of other sites can point theirs here."""
        if self._takes is None:
            return True
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
                break
        else:
            host = b""
        # Probes call by address, and so can no page of another site.
        is_probe = scope.get(OPS) or (scope["path"] in OPS_PATHS and is_address(host.decode("latin-1")))
        return bool(is_probe) or self._takes(host)


class BodyLimit:
    """Refuses bodies over `max_bytes`, by their stated length or as they arrive."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        for name, stated in scope["headers"]:
            if name == b"content-length" and stated.isdigit() and int(stated) > self._max_bytes:
                return await problem_response(problem(413, self._detail))(scope, receive, send)
        return await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        taken = 0

        async def receive_counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_bytes:
                raise InvalidRequest("", self._detail, 413)
            return message

        return receive_counted

    @property
    def _detail(self) -> str:
        return f"the body is over {self._max_bytes:,} bytes"


def complete_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """An answer's headers with `SECURITY_HEADERS` where it does not set them itself; it is not stored unless it says
    so."""
    own = {name.lower() for name, _ in headers}
    if own.isdisjoint(_ADDED_NAMES):
        return [*headers, *_ADDED]
    return [*headers, *(added for added in _ADDED if added[0] not in own)]
