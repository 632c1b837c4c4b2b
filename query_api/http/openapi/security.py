"""What the OpenAPI document says of keys: each operation's scope, and how it is refused."""

from __future__ import annotations

from typing import Any

from query_api.http.route_scopes import requirement

_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key (`vitrine apikey create`), a shopper token of the shop's server, or a JWT of the "
    "configured identity provider. Where no keys are asked for, none need be sent. An operation names its scope.",
}
_REFUSALS = {
    "401": "no key or token, or one that is not good; see `WWW-Authenticate`",
    "403": "the key or token has not the scope, or is for another shopper",
    "429": "more often than the rate allows; see `Retry-After`",
}


def with_security(document: dict[str, Any], problem: dict[str, Any]) -> dict[str, Any]:
    """The document, in which each operation states its scope.

    Args:
        problem: the content of a refusal.
    """
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _secure(method.upper(), path, operation, problem)
    document["components"]["securitySchemes"] = {"bearer": _SCHEME}
    return document


def _secure(method: str, path: str, operation: dict[str, Any], problem: dict[str, Any]) -> None:
    needs = requirement(method, path)
    if needs in ("open", "health"):
        operation["security"] = []
        return
    operation["security"] = [{"bearer": ["admin" if needs == "metrics" else needs]}]
    refusals = {status: {"description": description, **problem} for status, description in _REFUSALS.items()}
    operation["responses"] = dict(sorted((operation["responses"] | refusals).items()))
