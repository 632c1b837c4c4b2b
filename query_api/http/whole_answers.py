"""Answers that are finished as a whole: head and body are written at once, past what puts an answer together.

An extension of ASGI: our protocol offers it in a request's scope. Whoever wants to see or to add headers of an answer
must not be on its way; where it is not offered, the same answer is sent as any other.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from starlette.types import Message, Scope, Send

from query_api.http.answer_transport import AnswerTransport

WHOLE = "vitrine.response.whole"
"""Name of the extension and of its message, which has `head` and `body`."""
_OFFER: Mapping[str, Mapping[str, object]] = {WHOLE: {}}
_OK = f"HTTP/1.1 200 {HTTPStatus.OK.phrase}\r\n".encode()


def is_whole_taken(scope: Scope) -> bool:
    """Whether whole answers are offered, and no page of another site asks, whose answers get headers on their way."""
    return WHOLE in scope.get("extensions", ()) and all(name != b"origin" for name, _ in scope["headers"])


def whole_answer(head: bytes, body: bytes) -> Message:
    """The message of an answer, 200. Args: head: `header_lines` of all headers but the body's length."""
    return {"type": WHOLE, "head": head, "body": body}


def header_lines(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Headers as they are sent."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def offer_whole(cycle: Any, send: Send) -> Send:
    """Offer it for a request; returns what sends its answer. Args: cycle: uvicorn's; send: the cycle's own."""
    cycle.scope["extensions"] = _OFFER
    return functools.partial(_send_any, cycle, send)


def _send_any(cycle: Any, send: Send, message: Message) -> Awaitable[None]:
    return _send_whole(cycle, message) if message["type"] == WHOLE else send(message)


async def _send_whole(cycle: Any, message: Message) -> None:
    """What `RequestResponseCycle.send` does with the start and the body of an answer to a GET."""
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if cycle.disconnected:
        return
    if cycle.response_started:
        raise RuntimeError("a whole answer is sent after another one has begun")
    cycle.response_started = cycle.response_complete = True
    body, closing = message["body"], b"" if cycle.keep_alive else b"connection: close\r\n"
    head = b"%b%b%bcontent-length: %d\r\n%b\r\n" % (
        _OK,
        header_lines(cycle.default_headers),
        message["head"],
        len(body),
        closing,
    )
    cast(AnswerTransport, cycle.transport).write_whole(head, body)
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
