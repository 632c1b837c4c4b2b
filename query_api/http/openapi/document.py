"""The OpenAPI document, generated from the structs of requests and responses."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from query_api.contract.requests import MAX_PARTS, MAX_TEXT
from query_api.http.bodies import MAX_PICTURES
from query_api.http.openapi.schemas import MEDIA_HASH, REF, USER_ID, components, product_id, without_null
from query_api.http.openapi.security import with_security

_PROBLEMS = {
    400: "the request cannot be read",
    404: "there is none",
    408: "the body took too long to arrive",
    413: "the body is too large",
    414: "the address is too long",
    415: "another content type",
    422: "a value is refused; `errors` names the field",
    431: "the headers are too large",
    503: "a server behind this service does not answer; see `Retry-After`",
}
_JSON_PARAMETERS = ("filters", "weights", "parts", "facet_ranges")
_BODY_ONLY = ("image", "audio", "video")


def openapi_document() -> dict[str, Any]:
    """OpenAPI 3.1 of all routes."""
    schemas = components()
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Vitrine",
            "version": _version(),
            "description": "Search a shop's catalogue by words, by picture and for a person.",
        },
        "paths": _paths(schemas),
        "components": {"schemas": schemas},
    }
    return with_security(document, _content(_schema("Problem"), "application/problem+json"))


def _paths(schemas: dict[str, Any]) -> dict[str, Any]:
    hits = _answer("Hits, the best first", _schema("SearchResponse"))
    product = _path_parameter("id", "product id", product_id(schemas))
    user = _path_parameter("id", "user id, its slashes encoded", USER_ID)
    similar = _parameters(schemas["SimilarRequest"])
    # The path names the shopper already.
    recommendation = _parameters(schemas["RecommendationRequest"])
    for_user = [parameter for parameter in recommendation if parameter["name"] != "user_id"]
    return {
        "/v1/search": {
            "post": _operation(
                "Search by words, voice, picture, clip, product or several of these",
                hits,
                body=_search_body(schemas["SearchRequest"]),
            ),
            "get": _operation("Search by words", hits, [_query_text(), *_parameters(schemas["SearchRequest"])]),
        },
        "/v1/explain": {
            "post": _operation(
                "Where a product stands in a search, or why it is not in it",
                _answer("The product's place, or the reasons", _schema("ProductExplanation")),
                body=_explain_body(product_id(schemas)),
            )
        },
        "/v1/products/{id}": {
            "get": _operation(
                "A product as indexed", _answer("The product", {"type": "object"}), [product], missing=True
            )
        },
        "/v1/products/{id}/similar": {
            "get": _operation("Products like this one", hits, [product, *similar], missing=True)
        },
        "/v1/users/{id}/recommendations": {
            "get": _operation("Products for a shopper, with no query", hits, [user, *for_user], missing=True)
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
                _MEDIA_ANSWERS,
                [_path_parameter("hash", "SHA-256 in hex", MEDIA_HASH), _RANGE],
                missing=True,
            )
        },
        "/metrics": {"get": _operation("Prometheus metrics", {"200": {"description": "Metrics", **_METRICS}})},
        **{path: {"get": _operation(summary, _answer(summary, {}))} for path, summary in _OPERATIONS.items()},
    }


_OPERATIONS = {
    "/healthz": "Liveness: nothing of the worker is stuck; 503 names what is",
    "/readyz": "Readiness: the product store answers, and no part is slow; 503 says why not",
    "/openapi.json": "This document",
}


_BYTES: dict[str, Any] = {"content": {"image/*": {}, "audio/*": {}, "video/*": {}}}
_MEDIA_ANSWERS: dict[str, Any] = {
    "200": {"description": "Its bytes", **_BYTES},
    "206": {"description": "The bytes that `Range` names", **_BYTES},
    "304": {"description": "The copy that `If-None-Match` names is good"},
    "416": {"description": "It has no such bytes; `Content-Range` says how many there are"},
}
_RANGE = {"name": "range", "in": "header", "schema": {"type": "string"}, "description": "One range of bytes"}
_METRICS: dict[str, Any] = {"content": {"text/plain": {"schema": {"type": "string"}}}}


_FILE: dict[str, Any] = {"type": "string", "format": "binary", "minLength": 1}
_FILES: dict[str, Any] = {
    "image": {"type": "array", "items": _FILE, "maxItems": MAX_PICTURES},
    "audio": _FILE,
    "video": _FILE,
}


def _operation(
    summary: str,
    answers: dict[str, Any],
    parameters: list[dict[str, Any]] | None = None,
    body: dict[str, Any] | None = None,
    missing: bool = False,
) -> dict[str, Any]:
    statuses = [400, 414, 422, 431, 503] + ([404] if missing else []) + ([408, 413, 415] if body else [])
    problems = {
        str(status): {"description": _PROBLEMS[status], **_content(_schema("Problem"), "application/problem+json")}
        for status in sorted(statuses)
    }
    operation: dict[str, Any] = {"summary": summary, "responses": answers | problems}
    return operation | ({"parameters": parameters} if parameters else {}) | ({"requestBody": body} if body else {})


def _search_body(search: dict[str, Any]) -> dict[str, Any]:
    schema = _schema("SearchRequest")
    form = _object({name: without_null(field) for name, field in search["properties"].items()} | _FILES, [])
    form["description"] = (
        "The same fields; pictures, a sound and a clip as files, several named `image` too. Pictures beyond the first"
        f" are parts: with those in `parts` at most {MAX_PARTS}"
    )
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": form}}
    return {"required": True, "content": content}


def _explain_body(product: dict[str, Any]) -> dict[str, Any]:
    product = {"product_id": product}
    query = {"query": _schema("SearchRequest")}
    form = _object({**query, **product, **_FILES}, ["product_id"])
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
    own = without_null(schema)
    return {"name": name, "in": "query", "schema": own, "style": "form", "explode": False, "allowEmptyValue": True}


def _query_text() -> dict[str, Any]:
    schema = {"type": "string", "maxLength": MAX_TEXT}
    return {"name": "q", "in": "query", "schema": schema, "description": "The same as `text`"}


def _path_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"200": {"description": description, **_content(schema)}}


def _content(schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"content": {kind: {"schema": schema}}}


def _schema(name: str) -> dict[str, Any]:
    return {"$ref": REF + name}


def _version() -> str:
    try:
        return version("vitrine")
    except PackageNotFoundError:
        return "0"
