"""What each route asks for: the one list. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from query_api.access.callers import Scope

Requirement = Scope | Literal["open", "health", "metrics"]
"""A scope; `open`: nothing; `health`: nothing, and at `query.ops_port` where that is set; `metrics`: the same, with the
scope `admin` where it is not."""

ROUTE_SCOPES: Mapping[tuple[str, str], Requirement] = {
    ("POST", "/v1/search"): "search",
    ("GET", "/v1/search"): "search",
    ("GET", "/v1/products/{}"): "search",
    ("GET", "/v1/products/{}/similar"): "search",
    ("GET", "/v1/users/{}/recommendations"): "search",
    ("POST", "/v1/events"): "events",
    ("DELETE", "/v1/users/{}"): "users",
    # It tells of products that a shopper's filters hide, and how they rank.
    ("POST", "/v1/explain"): "admin",
    ("GET", "/healthz"): "health",
    ("GET", "/readyz"): "health",
    ("GET", "/metrics"): "metrics",
    # Pages and their pictures are fetched by browsers, which send no key with an <img>; a name is a content's hash.
    ("GET", "/media/{}"): "open",
    ("GET", "/openapi.json"): "open",
    ("GET", "/docs"): "open",
    ("GET", "/"): "open",
}
"""By method and path, `{}` for each parameter."""
OPS_PATHS = ("/healthz", "/readyz", "/metrics")


def requirement(method: str, path: str) -> Requirement:
    """What a route asks for; one that is not listed asks for the most.

    Args:
        path: as the router or OpenAPI writes it, `/v1/products/{id}`.
    """
    if path.startswith("/page/"):
        return "open"
    wanted = "GET" if method == "HEAD" else method
    return ROUTE_SCOPES.get((wanted, re.sub(r"\{[^}]*\}", "{}", path)), "admin")


def is_work(method: str, path: str) -> bool:
    """Whether a request asks for what is searched and changes nothing: it can be refused while there is too much to do,
    and dropped once its client is gone."""
    if method == "POST":
        return path in _WORK_BY_BODY
    return method in ("GET", "HEAD") and path.startswith(_WORK_PATHS)


_WORK_BY_BODY = ("/v1/search", "/v1/explain")
_WORK_PATHS = ("/v1/search", "/v1/products/", "/v1/users/")
