"""The route that says where a product stands in a search."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from query_api.config import QueryConfig
from query_api.contract.request_reading import convert_fields, decode_json, read_json
from query_api.contract.requests import ProductId, SearchRequest
from query_api.explaining.product_explainer import ProductExplainer
from query_api.http.bodies import Form, json_or_form
from query_api.http.work import Work
from query_api.search.answers.kept_searches import has_media


class _ExplainRequest(Struct, forbid_unknown_fields=True):
    """Which product in which search."""

    query: Raw
    """A search request; a message of its own, as it is checked beyond its types."""
    product_id: ProductId


class ExplainRoute:
    """`/v1/explain`."""

    def __init__(self, explainer: ProductExplainer, config: QueryConfig, work: Work) -> None:
        self._explainer = explainer
        self._config = config
        self._work = work

    def routes(self) -> list[Route]:
        """Starlette's routes."""
        return [Route("/v1/explain", self.explain, methods=["POST"])]

    async def explain(self, request: Request) -> Response:
        body = await json_or_form(request, self._config.body_deadline_s)
        query, product_id = _read_form(body) if isinstance(body, Form) else _read(body)
        async with self._work.begin("explain", has_media(query)):
            explained = await self._explainer.explain(query, product_id)
        return Response(msgspec.json.encode(explained), media_type="application/json")


def _read(body: bytes) -> tuple[SearchRequest, str]:
    """The search and the product. Raises `InvalidRequest` naming the field that is refused."""
    request = decode_json(_requests, body)
    return read_json(bytes(request.query)), request.product_id


def _read_form(form: Form) -> tuple[SearchRequest, str]:
    """The search and the product of a form: its field `query` is JSON, and its files belong to that search."""
    query = {"query": Raw(form.fields.get("query", "{}").encode())}
    request = convert_fields(form.fields | query, _ExplainRequest)
    return read_json(bytes(request.query), form.files), request.product_id


_requests = msgspec.json.Decoder(_ExplainRequest)
