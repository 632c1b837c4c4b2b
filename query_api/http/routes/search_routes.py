"""Routes that answer with hits: search, similar products, recommendations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from query_api.config import QueryConfig
from query_api.contract.request_reading import convert_fields, read_fields, read_json
from query_api.contract.requests import RecommendationRequest, SearchRequest, SimilarRequest
from query_api.contract.responses import SearchResponse
from query_api.errors import InvalidRequest
from query_api.http.bodies import Form, json_or_form, text_parameters
from query_api.http.routes.shopper_answers import ShopperAnswers
from query_api.http.routes.shopper_bounds import bounded_search
from query_api.http.work import Work
from query_api.recommending.similar import SimilarProducts
from query_api.search.answers.kept_searches import has_media


class SearchRoutes:
    """`/v1/search`, `/v1/products/{id}/similar`, `/v1/users/{id}/recommendations`."""

    def __init__(
        self,
        answers: ShopperAnswers,
        similar: SimilarProducts,
        config: QueryConfig,
        work: Work,
    ) -> None:
        self._answers = answers
        self._similar = similar
        self._config = config
        self._work = work

    def routes(self) -> list[Route]:
        """Starlette's routes."""
        return [
            Route("/v1/search", self.search_by_body, methods=["POST"]),
            Route("/v1/search", self.search_by_parameters),
            Route("/v1/products/{product_id:segment}/similar", self.similar),
            Route("/v1/users/{user_id:segment}/recommendations", self.recommendations),
        ]

    async def search_by_body(self, request: Request) -> Response:
        body = await json_or_form(request, self._config.body_deadline_s)
        search = read_fields(body.fields, body.files) if isinstance(body, Form) else read_json(body)
        return await self._search(request, search)

    async def search_by_parameters(self, request: Request) -> Response:
        return await self._search(request, read_fields(text_parameters(request.query_params)))

    async def similar(self, request: Request) -> Response:
        parameters = _parameters(request, SimilarRequest, "mode", "product_id")
        path = {"mode": "dense", "product_id": request.path_params["product_id"]}
        search = bounded_search(request, _search_of(parameters, SimilarRequest, path))
        async with self._work.begin("similar"):
            return json_response(await self._similar.similar(search))

    async def recommendations(self, request: Request) -> Response:
        wanted: RecommendationRequest = _parameters(request, RecommendationRequest, "user_id")
        search = _search_of(wanted, SimilarRequest, {"user_id": request.path_params["user_id"]})
        search = bounded_search(request, search)
        async with self._work.begin(f"recommendations {wanted.kind}"):
            return json_response(await self._answers.recommend(search, wanted))

    async def _search(self, request: Request, search: SearchRequest) -> Response:
        search = bounded_search(request, search)
        use_cache = "no-cache" not in request.headers.get("cache-control", "")
        async with self._work.begin("search", has_media(search)) as slot:
            answer = await self._answers.answer(search, use_cache)
            slot.kind = _kind(search, answer.cache)
        return Response(answer.body, media_type="application/json")


def json_response(response: SearchResponse) -> Response:
    """A response struct as JSON."""
    return Response(msgspec.json.encode(response), media_type="application/json")


def _kind(search: SearchRequest, cache: str) -> str:
    """Searches that cost alike: by what is searched with, and whether that was known already."""
    inputs = ("image", "audio", "video", "parts", "facets", "explain", "user_id")
    return " ".join(("search", cache, *(name for name in inputs if getattr(search, name))))


def _parameters(request: Request, kind: type[Any], *in_path: str) -> Any:
    """The parameters of a GET route, as a struct. Raises `InvalidRequest` for one that the path gives already."""
    texts = {name: value for name, value in text_parameters(request.query_params).items() if value != ""}
    for name in in_path:
        if name in texts:
            raise InvalidRequest(name, f"{name} is in the path already")
    return convert_fields(texts, kind)


def _search_of(parameters: Any, kind: type[Any], path: Mapping[str, str]) -> SearchRequest:
    """The search with what parameters say of a `kind`, and with what the path says."""
    fields: dict[str, Any] = {name: getattr(parameters, name) for name in kind.__struct_fields__}
    return convert_fields(fields | dict(path), SearchRequest)
