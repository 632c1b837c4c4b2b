"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from encoders.liveness.vitals import Complaint
from indexer.errors import StoreUnavailable
from query_api.contract.responses import FieldProblem, PartProblem, Problem
from query_api.errors import MAX_MESSAGE, EncoderBusy, InvalidRequest, ProductNotFound, TooBusy
from streams.errors import InvalidEvent, PublishFailed

log = logging.getLogger(__name__)


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """A problem document as an HTTP response."""
    return Response(
        msgspec.json.encode(problem), problem.status, headers=headers, media_type="application/problem+json"
    )


def problem(status: int, detail: str, field: str = "") -> Problem:
    """A problem document with the status' own title."""
    # Whatever a caller made up, it has to be encoded; and they need no more than this of it.
    field, detail = (text[:MAX_MESSAGE].encode(errors="replace").decode() for text in (field, detail))
    errors = [FieldProblem(field, detail)] if field else []
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)


def unwell(detail: str, complaints: Sequence[Complaint]) -> Problem:
    """503 for a worker that is not well, with what is wrong."""
    reasons = [PartProblem(complaint.part, complaint.reason) for complaint in complaints]
    return Problem(title=HTTPStatus(503).phrase, status=503, detail=detail, reasons=reasons)


async def on_invalid_request(_: Request, error: Exception) -> Response:
    """400, 408, 413, 415 or 422, with the field at fault."""
    assert isinstance(error, InvalidRequest)
    return problem_response(problem(error.status, str(error), error.field))


async def on_not_found(_: Request, error: Exception) -> Response:
    """404."""
    return problem_response(problem(404, str(error)))


async def on_invalid_event(_: Request, error: Exception) -> Response:
    """422 for an event that is not of the schema."""
    return problem_response(problem(422, str(error)))


async def on_unavailable(_: Request, error: Exception) -> Response:
    """503 with `Retry-After`; what exactly failed is for the log."""
    retry_after_s = getattr(error, "retry_after_s", 1.0)
    log.warning("unavailable", extra={"error": f"{type(error).__name__}: {error}"[:300]})
    detail = "a server behind this service does not answer just now; try again"
    return problem_response(problem(503, detail), {"retry-after": str(max(1, math.ceil(retry_after_s)))})


async def on_http_error(request: Request, error: Exception) -> Response:
    """What the framework refuses: unknown routes, other methods, broken forms."""
    assert isinstance(error, HTTPException)
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == 405:
        headers["allow"] = ", ".join(_allowed_methods(request))
    return problem_response(problem(error.status_code, error.detail), headers)


async def on_client_gone(_: Request, error: Exception) -> Response:
    """Nobody is there to read an answer."""
    return Response(status_code=400)


async def on_unexpected(_: Request, error: Exception) -> Response:
    """500; the reason is in the log, never in the answer."""
    log.error("request_failed", exc_info=error)
    return problem_response(problem(500, "something went wrong here; the operators can find it in the log"))


def _allowed_methods(request: Request) -> list[str]:
    """What the routes of a path take; the framework names those of the first route alone."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in matching for method in route.methods or ()})


async def on_too_busy(_: Request, error: Exception) -> Response:
    """503 with `Retry-After`; of each of so many there is no line in the log."""
    return TOO_BUSY


TOO_BUSY = problem_response(problem(503, str(TooBusy())), {"retry-after": "1"})
"""Made once: it is what costs least that is answered most when there is too much to do."""
HANDLERS = {
    TooBusy: on_too_busy,
    InvalidRequest: on_invalid_request,
    ProductNotFound: on_not_found,
    InvalidEvent: on_invalid_event,
    StoreUnavailable: on_unavailable,
    EncoderBusy: on_unavailable,
    PublishFailed: on_unavailable,
    TimeoutError: on_unavailable,
    HTTPException: on_http_error,
    ClientDisconnect: on_client_gone,
    Exception: on_unexpected,
}
