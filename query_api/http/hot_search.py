"""`GET /v1/search` by plain ASGI, where the answer is finished already; everything else goes on to the routes.

What is left of a request then is to let it in, to see that nothing changed, and to send bytes: the routes' machinery
would cost more than all of it.
"""

from __future__ import annotations

from typing import Literal

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.memo import Memo
from query_api.access.gate import AccessGate
from query_api.contract.request_reading import read_fields
from query_api.errors import AccessRefused, AccessUnavailable, InvalidRequest
from query_api.http.access_guard import admit, refusal
from query_api.http.bodies import text_parameters
from query_api.http.edge import complete_headers
from query_api.http.route_scopes import Requirement, requirement
from query_api.http.routes.search_routes import SearchRoutes
from query_api.http.routes.shopper_answers import ShopperAnswers
from query_api.http.whole_answers import header_lines, is_whole_taken, whole_answer
from query_api.search.answers.kept_searches import KeptSearch

PATH = "/v1/search"
REQUESTS_BYTES = 8 * 2**20
"""Memory for requests that were read from query strings."""
BYTES_PER_BYTE, BYTES_PER_REQUEST = 20, 2_560
"""What a request takes in memory, at most: for each byte of its query string, and beside that."""
MAX_QUERY_STRING = 2_048
"""Longer ones are not of hot queries."""
_HEADERS = [(b"content-type", b"application/json")]
_HEAD = header_lines(complete_headers(_HEADERS))


class HotSearch:
    """A middleware that answers what is finished."""

    def __init__(self, app: ASGIApp, answers: ShopperAnswers, gate: AccessGate | None) -> None:
        """Args: gate: lets requests in; None: all of them."""
        self._app = app
        self._answers = answers
        self._gate = gate
        self._needs: Requirement = requirement("GET", PATH)
        self._read = Memo(
            self._read_kept, lambda text, _: BYTES_PER_BYTE * len(text) + BYTES_PER_REQUEST, REQUESTS_BYTES
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        search = self._search_of(scope)
        answer = await self._answer_to(search, scope) if search is not None else None
        if answer is None:
            await self._app(scope, receive, send)
        elif isinstance(answer, Response):
            await answer(scope, receive, send)
        elif is_whole_taken(scope):
            await send(whole_answer(_HEAD, answer))
        else:
            headers = [(b"content-length", b"%d" % len(answer)), *_HEADERS]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": answer})

    async def _answer_to(self, search: KeptSearch, scope: Scope) -> bytes | Response | None:
        """A finished answer, or that they may not ask; None: that is for the routes to say."""
        # By which requests are counted.
        scope["endpoint"] = SearchRoutes.search_by_parameters
        if self._gate is not None:
            try:
                caller = await admit(scope, self._needs, self._gate)
            except (AccessRefused, AccessUnavailable) as error:
                return refusal(error)
            # What a shopper may see, and for whom a public key may ask, is for the routes to say.
            if caller.kind == "shopper" or (caller.kind == "public" and search.request.user_id is not None):
                return None
        return await self._answers.finished(search)

    def _search_of(self, scope: Scope) -> KeptSearch | None:
        """The search that a request asks for; None: one that is answered by the routes."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "GET":
            return None
        query = scope["query_string"]
        if len(query) > MAX_QUERY_STRING or any(name == b"cache-control" for name, _ in scope["headers"]):
            return None
        return self._read(query) or None

    def _read_kept(self, query: bytes) -> KeptSearch | Literal[False]:
        """The search in a query string; False: none whose answers are kept, or none at all."""
        try:
            request = read_fields(text_parameters(QueryParams(query)))
        except InvalidRequest:
            return False
        return self._answers.kept(request) or False
