"""What of requests' schemas is not in the types of their structs: the OpenAPI document says all that is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from indexer.filter_parsing import MAX_FILTERS, MAX_NUMBER, MAX_VALUES, RANGE_OPERATORS
from indexer.filters import NUMBER_FIELDS, TERM_FIELDS, VALUE_MAX_CHARS
from query_api.contract.request_reading import MAX_TEXTS
from query_api.contract.requests import MAX_URL, RecommendationRequest, SearchRequest, SimilarRequest
from query_api.contract.responses import Problem, ProductExplanation, SearchResponse
from query_api.http.routes.user_routes import ShopperEvent
from streams.events.schema import USER_FORGOTTEN, USER_TYPES

REF = "#/components/schemas/"
Schema = dict[str, Any]
_CHARACTER = "[A-Za-z0-9+/]"
_BASE64 = f"^({_CHARACTER}{{4}})*({_CHARACTER}{{4}}|{_CHARACTER}[AQgw]==|{_CHARACTER}{{2}}[AEIMQUYcgkosw048]=)$"
"""Not empty, and without bits that stand for nothing."""
_OTHER_BASE64 = "Taken as well: the URL-safe alphabet, no padding, broken lines, a data: URI."
_EVENTS = {name: kind for name, kind in USER_TYPES.items() if name != USER_FORGOTTEN}
_NULL: Schema = {"type": "null"}
USER_ID: Schema = {"type": "string", "minLength": 1, "maxLength": 256}
MEDIA_HASH: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def components() -> dict[str, Schema]:
    """The schemas of requests and responses, by name."""
    types = [
        SearchRequest,
        SimilarRequest,
        RecommendationRequest,
        SearchResponse,
        ProductExplanation,
        ShopperEvent,
        Problem,
    ]
    _, schemas = msgspec.json.schema_components([*types, *set(_EVENTS.values())], ref_template=REF + "{name}")
    schemas["Filters"] = _filters()
    for name in ("SearchRequest", "SimilarRequest", "RecommendationRequest"):
        schemas[name]["properties"]["filters"] = {"$ref": REF + "Filters", "default": {}}
    search = schemas["SearchRequest"]
    search["description"] += f" All its texts have at most {MAX_TEXTS:,} characters together."
    bounds = search["properties"]["facet_ranges"]["additionalProperties"]
    bounds |= {"uniqueItems": True, "description": "ascending"}
    schemas["Part"] |= _one_of("text", "image", "product_id")
    schemas["Part"]["properties"]["weight"]["not"] = {"const": 0}
    schemas["MediaReference"] |= _one_of("url", "data")
    # Longer ones are data: URIs.
    schemas["MediaReference"]["properties"]["url"]["anyOf"][0]["maxLength"] = MAX_URL
    schemas["ShopperEvent"] = _shopper_event(schemas["ShopperEvent"])
    _describe_base64(schemas)
    return schemas


def product_id(schemas: Mapping[str, Schema]) -> Schema:
    """The schema of a product's id."""
    return schemas["SearchRequest"]["properties"]["product_id"]["anyOf"][0]


def without_null(schema: Schema) -> Schema:
    """A schema of a query parameter, which cannot be null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != _NULL]
    return dict(kinds[0]) if len(kinds) == 1 else {name: value for name, value in schema.items() if value is not None}


def _filters() -> Schema:
    text: Schema = {"type": "string", "maxLength": VALUE_MAX_CHARS}
    number: Schema = {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER}
    time: Schema = {"anyOf": [number, {"type": "string", "format": "date-time"}]}
    fields = {name: _one_or_list(text) for name in TERM_FIELDS} | {"in_stock": _one_or_list({"type": "boolean"})}
    fields |= {name: _range(time if name == "created_at" else number) for name in NUMBER_FIELDS}
    return {
        "type": "object",
        "properties": fields,
        "patternProperties": {"^attributes\\.[^\\n]{1,256}$": _one_or_list(text)},
        "additionalProperties": False,
        "maxProperties": MAX_FILTERS,
        "description": "What products must have, all of it; of a field's values any one. A category stands for all "
        "below it.",
    }


def _one_or_list(value: Schema) -> Schema:
    return {"anyOf": [value, {"type": "array", "items": value, "minItems": 1, "maxItems": MAX_VALUES}]}


def _range(number: Schema) -> Schema:
    bounds = {
        "type": "object",
        "properties": dict.fromkeys(RANGE_OPERATORS, number),
        "minProperties": 1,
        "additionalProperties": False,
    }
    return {"anyOf": [number, bounds]}


def _one_of(*names: str) -> Schema:
    """Exactly one of these properties is given; the others are absent or null."""
    return {
        "oneOf": [
            {"required": [name], "properties": {other: _NULL if other != name else {"not": _NULL} for other in names}}
            for name in names
        ]
    }


def _shopper_event(schema: Schema) -> Schema:
    fields = schema["properties"]
    kinds = [
        {
            "type": "object",
            "properties": fields | {"type": {"const": name}, "data": {"$ref": REF + kind.__name__}},
            "required": ["type", "data"],
            "additionalProperties": False,
        }
        for name, kind in _EVENTS.items()
    ]
    return {"title": schema["title"], "description": schema["description"], "oneOf": kinds}


def _describe_base64(schema: Any) -> None:
    """Say of all base64 within a schema what it looks like, and that it is not empty."""
    if isinstance(schema, dict):
        found = cast("Schema", schema)
        if found.get("contentEncoding") == "base64":
            found |= {"minLength": 4, "pattern": _BASE64, "description": _OTHER_BASE64}
        for value in found.values():
            _describe_base64(value)
    elif isinstance(schema, list):
        for value in cast("Sequence[Any]", schema):
            _describe_base64(value)
