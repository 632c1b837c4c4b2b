"""Answers of the server itself, and of an application that there is too much to do for."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from query_api import metrics
from query_api.http.problems import TOO_BUSY, problem
from query_api.http.whole_answers import offer_whole

RETRY_AFTER_S = 1
TOO_SOON = "vitrine.too_soon"
"""Key of the scope's state: this request was refused as there is too much to do, and the next is likely to be."""


async def refuse_work(scope: Scope, receive: Receive, send: Send) -> None:
    """503, and the client's next request is not looked at at once, whatever it thinks of `Retry-After`."""
    scope.setdefault("state", {})[TOO_SOON] = True
    await TOO_BUSY(scope, receive, send)


async def refuse_request(scope: Scope, receive: Receive, send: Send) -> None:
    """The same, of a server that answers as many requests as it may."""
    metrics.CONNECTIONS_REFUSED.labels("requests").inc()
    await refuse_work(scope, receive, send)


async def answer_unless_gone(cycle: Any, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """The application; that it was cancelled as its client is gone is no error. Args: cycle: uvicorn's."""
    try:
        await app(scope, receive, offer_whole(cycle, send))
    except asyncio.CancelledError:
        if not cycle.disconnected:
            raise


def raw_problem(status: int, detail: str) -> bytes:
    """A whole HTTP response with a problem document."""
    body = msgspec.json.encode(problem(status, detail))
    retry = f"retry-after: {RETRY_AFTER_S}\r\n" if status == 503 else ""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
        f"{retry}connection: close\r\n\r\n"
    )
    return head.encode() + body
