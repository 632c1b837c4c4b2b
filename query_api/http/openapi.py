"""The OpenAPI document, generated from the structs of requests and responses."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from query_api.contract.requests import RecommendationRequest, SearchRequest
from query_api.contract.responses import Problem, ProductExplanation, SearchResponse
from query_api.http.openapi_security import with_security
from query_api.http.user_routes import ShopperEvent

_REF = "#/components/schemas/"
_PROBLEMS = {
    400: "the request cannot be read",
    404: "no such product",
    413: "the body is too large",
    415: "another content type",
    422: "a value is refused; `errors` names the field",
    503: "a server behind this service does not answer; see `Retry-After`",
}
_JSON_PARAMETERS = ("filters", "weights", "parts", "facet_ranges")
_BODY_ONLY = ("image", "audio", "video")


def openapi_document() -> dict[str, Any]:
    """OpenAPI 3.1 of all routes."""
    types = [SearchRequest, RecommendationRequest, SearchResponse, ProductExplanation, ShopperEvent, Problem]
    _, components = msgspec.json.schema_components(types, ref_template=_REF + "{name}")
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Vitrine",
            "version": _version(),
            "description": "Search a shop's catalogue by words, by picture and for a person.",
        },
        "paths": _paths(components),
        "components": {"schemas": components},
    }
    return with_security(document, _content(_schema("Problem"), "application/problem+json"))


def _paths(schemas: dict[str, Any]) -> dict[str, Any]:
    hits = _answer("Hits, the best first", _schema("SearchResponse"))
    product, user = _path_parameter("id", "product id"), _path_parameter("id", "user id")
    recommendation = _parameters(schemas["RecommendationRequest"])
    return {
        "/v1/search": {
            "post": _operation(
                "Search by words, voice, picture, clip, product or several of these", hits, body=_search_body()
            ),
            "get": _operation("Search by words", hits, [_query_text(), *_parameters(schemas["SearchRequest"])]),
        },
        "/v1/explain": {
            "post": _operation(
                "Where a product stands in a search, or why it is not in it",
                _answer("The product's place, or the reasons", _schema("ProductExplanation")),
                body=_explain_body(),
            )
        },
        "/v1/products/{id}": {
            "get": _operation(
                "A product as indexed", _answer("The product", {"type": "object"}), [product], missing=True
            )
        },
        "/v1/products/{id}/similar": {
            "get": _operation("Products like this one", hits, [product, *recommendation], missing=True)
        },
        "/v1/users/{id}/recommendations": {
            "get": _operation("Products for a shopper, with no query", hits, [user, *recommendation])
        },
        "/v1/users/{id}": {"delete": _operation("Forget a shopper", {"204": {"description": "Forgotten"}}, [user])},
        "/v1/events": {
            "post": _operation(
                "Tell what a shopper did",
                {"202": {"description": "Published", **_content({"type": "object"})}},
                body={"required": True, **_content(_schema("ShopperEvent"))},
            )
        },
        "/media/{hash}": {
            "get": _operation(
                "A stored picture, clip or sound",
                {"200": {"description": "Its bytes", "content": {"*/*": {}}}},
                [_path_parameter("hash", "SHA-256 in hex")],
                missing=True,
            )
        },
        **{path: {"get": _operation(summary, _answer(summary, {}))} for path, summary in _OPERATIONS.items()},
    }


_OPERATIONS = {
    "/healthz": "Liveness: the process answers",
    "/readyz": "Readiness: the product store answers",
    "/metrics": "Prometheus metrics",
    "/openapi.json": "This document",
}


def _operation(
    summary: str,
    answers: dict[str, Any],
    parameters: list[dict[str, Any]] | None = None,
    body: dict[str, Any] | None = None,
    missing: bool = False,
) -> dict[str, Any]:
    statuses = [422, 503] + ([404] if missing else []) + ([400, 413, 415] if body else [])
    problems = {
        str(status): {"description": _PROBLEMS[status], **_content(_schema("Problem"), "application/problem+json")}
        for status in sorted(statuses)
    }
    operation: dict[str, Any] = {"summary": summary, "responses": answers | problems}
    return operation | ({"parameters": parameters} if parameters else {}) | ({"requestBody": body} if body else {})


def _search_body() -> dict[str, Any]:
    schema = _schema("SearchRequest")
    form = {
        "description": "The same fields; pictures, a sound and a clip as files, several named `image` too",
        **schema,
    }
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": form}}
    return {"required": True, "content": content}


def _explain_body() -> dict[str, Any]:
    product = {"product_id": {"type": "string"}}
    query = {"query": _schema("SearchRequest")}
    file = {"type": "string", "format": "binary"}
    files = {"image": {"type": "array", "items": file}, "audio": file, "video": file}
    form = _object({**query, **product, **files}, ["product_id"])
    form["description"] = "`query` is JSON; its pictures, sound and clip are files"
    content = {
        "application/json": {"schema": _object(query | product, ["query", "product_id"])},
        "multipart/form-data": {"schema": form},
    }
    return {"required": True, "content": content}


def _object(fields: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}


def _parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a struct as query parameters."""
    fields = {name: field for name, field in schema["properties"].items() if name not in _BODY_ONLY}
    return [_parameter(name, field) for name, field in fields.items()]


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name in _JSON_PARAMETERS:
        return {"name": name, "in": "query", "content": {"application/json": {"schema": schema}}}
    return {"name": name, "in": "query", "schema": schema, "style": "form", "explode": False}


def _query_text() -> dict[str, Any]:
    return {"name": "q", "in": "query", "schema": {"type": "string"}, "description": "The same as `text`"}


def _path_parameter(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": description}


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"200": {"description": description, **_content(schema)}}


def _content(schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"content": {kind: {"schema": schema}}}


def _schema(name: str) -> dict[str, Any]:
    return {"$ref": _REF + name}


def _version() -> str:
    try:
        return version("vitrine")
    except PackageNotFoundError:
        return "0"
