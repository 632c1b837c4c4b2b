"""Every route with every kind of key and token, good and bad."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.routing import Route

from query_api.access.api_keys import make_key
from query_api.access.callers import SCOPES
from query_api.access.shopper_tokens import mint_shopper_token
from query_api.http.openapi.document import openapi_document
from query_api.http.route_scopes import ROUTE_SCOPES, requirement
from tests.access import NEW, SECRET, Doorkeeper, bearer
from tests.shop import Shop

RSA_KEY = rsa.generate_private_key(65_537, 2_048)
OTHER_RSA_KEY = rsa.generate_private_key(65_537, 2_048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ISSUER, AUDIENCE = "https://id.example/", "vitrine-api"
CALLS: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("POST", "/v1/search"): ("/v1/search", {"json": {"text": "red"}}),
    ("GET", "/v1/search"): ("/v1/search?q=red", {}),
    ("GET", "/v1/products/{}"): ("/v1/products/mug-red", {}),
    ("GET", "/v1/products/{}/similar"): ("/v1/products/mug-red/similar", {}),
    ("GET", "/v1/users/{}/recommendations"): ("/v1/users/ada/recommendations", {}),
    ("POST", "/v1/events"): (
        "/v1/events",
        {"json": {"type": "user.clicked", "data": {"user_id": "ada", "product_id": "mug-red"}}},
    ),
    ("DELETE", "/v1/users/{}"): ("/v1/users/ada", {}),
    ("POST", "/v1/explain"): ("/v1/explain", {"json": {"query": {"text": "red"}, "product_id": "mug-red"}}),
    ("GET", "/healthz"): ("/healthz", {}),
    ("GET", "/readyz"): ("/readyz", {}),
    ("GET", "/metrics"): ("/metrics", {}),
    ("GET", "/media/{}"): ("/media/unknown", {}),
    ("GET", "/openapi.json"): ("/openapi.json", {}),
    ("GET", "/docs"): ("/docs", {}),
    ("GET", "/"): ("/", {}),
}
"""A call of each route that is answered by whoever may make it."""


def needed_scope(route: tuple[str, str]) -> str | None:
    needs = ROUTE_SCOPES[route]
    return None if needs in ("open", "health") else "admin" if needs == "metrics" else needs


LOCKED = [route for route in ROUTE_SCOPES if needed_scope(route)]


def jwks() -> bytes:
    keys = [
        json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key())) | {"kid": "r1", "use": "sig"},
        json.loads(jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY.public_key())) | {"kid": "e1", "alg": "ES256"},
        {"kty": "oct", "kid": "o1", "k": base64.urlsafe_b64encode(b"s" * 32).decode()},
    ]
    return json.dumps({"keys": keys}).encode()


def provider_token(key: Any = RSA_KEY, algorithm: str = "RS256", kid: str = "r1", **claims: Any) -> str:
    now = int(time.time())
    base = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": now + 60, "scope": "openid search events users admin"}
    given = {name: value for name, value in (base | claims).items() if value is not None}
    return jwt.encode(given, key, algorithm, headers={"kid": kid})


def shopper_claims(**claims: Any) -> dict[str, Any]:
    return {"aud": "vitrine", "sub": "ada", "exp": int(time.time()) + 60} | claims


def by_hand(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.fixture
async def door() -> Doorkeeper:
    async def fetch() -> bytes:
        return jwks()

    door = Doorkeeper(
        fetch, token_secret=SECRET, jwks_url="https://id.example/keys", jwt_issuer=ISSUER, jwt_audience=AUDIENCE
    )
    assert door.provider is not None
    await door.provider.keys.refresh()
    return door


@pytest.fixture
def shop_options(door: Doorkeeper) -> dict[str, Any]:
    return {"gate": door.gate, "config": door.config}


async def call(client: httpx.AsyncClient, route: tuple[str, str], headers: Any) -> httpx.Response:
    path, options = CALLS[route]
    return await client.request(route[0], path, headers=headers, **options)


def served_routes(shop: Shop) -> list[tuple[str, Route]]:
    routes = [route for route in shop.app.routes if isinstance(route, Route)]
    return [(method, route) for route in routes for method in route.methods or ()]


async def test_every_route_is_listed_and_called_here(shop: Shop) -> None:
    import re

    served = {
        (method, re.sub(r"\{[^}]*\}", "{}", route.path))
        for method, route in served_routes(shop)
        if method != "HEAD" and not route.path.startswith("/page/")
    }
    assert served == set(ROUTE_SCOPES) == set(CALLS)


def test_a_route_that_nobody_listed_asks_for_the_most() -> None:
    assert requirement("POST", "/v1/anything") == "admin"
    assert requirement("HEAD", "/v1/search") == "search"


async def test_keys_open_what_their_scope_is_for_and_nothing_else(client: httpx.AsyncClient, door: Doorkeeper) -> None:
    keys = {scope: await door.key([scope]) for scope in SCOPES}
    for route in CALLS:
        needs = needed_scope(route)
        for scope, key in keys.items():
            response = await call(client, route, bearer(key))
            if needs is None or scope == needs:
                assert response.status_code in (200, 202, 204, 404), (route, scope, response.text)
            else:
                assert response.status_code == 403, (route, scope)
                assert "insufficient_scope" in response.headers["www-authenticate"]
                assert response.headers["content-type"] == "application/problem+json"
                assert needs in response.json()["detail"]


async def bad_credentials(door: Doorkeeper) -> dict[str, dict[str, str]]:
    good = await door.key(SCOPES)
    revoked, stored = make_key(SCOPES, time.time())
    await door.store.add(stored)
    await door.store.revoke(stored.id)
    never_made, _ = make_key(SCOPES, time.time())
    public_pem = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = shopper_claims(scope="search events users admin")
    header = {"alg": "HS256", "typ": "JWT"}
    import hashlib
    import hmac

    confused = by_hand(header | {"kid": "r1"}, claims | {"iss": ISSUER, "aud": [AUDIENCE, "vitrine"]})
    signed = confused.rsplit(".", 1)[0]
    confusion = base64.urlsafe_b64encode(hmac.new(public_pem, signed.encode(), hashlib.sha256).digest()).rstrip(b"=")
    credentials = {
        "garbage": "garbage",
        "almost": good[:-1] + ("a" if good[-1] != "a" else "b"),
        "revoked": revoked,
        "unknown": never_made,
        "expired": await door.key(SCOPES, expires_s=time.time() - 1),
        "wrong signature": jwt.encode(claims, "x" * 32, "HS256"),
        "expired token": jwt.encode(shopper_claims(exp=int(time.time()) - 60), NEW, "HS256"),
        "endless token": jwt.encode({"aud": "vitrine", "sub": "ada"}, NEW, "HS256"),
        "token for ten years": jwt.encode(shopper_claims(exp=int(time.time()) + 315_360_000), NEW, "HS256"),
        "another audience": jwt.encode(shopper_claims(aud="other"), NEW, "HS256"),
        "nobody's token": jwt.encode({"aud": "vitrine", "exp": int(time.time()) + 60}, NEW, "HS256"),
        "no shopper": jwt.encode(shopper_claims(sub=""), NEW, "HS256"),
        "infinite": by_hand(header, shopper_claims(exp=float("inf"))),
        "filters that are none": jwt.encode(shopper_claims(filters={"colour of money": 1}), NEW, "HS256"),
        "filters in a list": jwt.encode(shopper_claims(filters=[]), NEW, "HS256"),
        "filters in a text": jwt.encode(shopper_claims(filters=""), NEW, "HS256"),
        "HS512": jwt.encode(claims, NEW * 2, "HS512"),
        "alg none": by_hand({"alg": "none", "typ": "JWT"}, claims),
        "alg None": by_hand({"alg": "None"}, claims | {"iss": ISSUER, "aud": AUDIENCE}),
        "alg list": by_hand({"alg": ["HS256"]}, claims),
        "HS signed by the public key": f"{signed}.{confusion.decode()}",
        "RS signed by another key": provider_token(OTHER_RSA_KEY),
        "RS with the key id of an EC key": provider_token(RSA_KEY, kid="e1"),
        "ES with the key id of an RSA key": provider_token(EC_KEY, "ES256", kid="r1"),
        "the secret of the JWKS": jwt.encode(claims | {"iss": ISSUER}, "s" * 32, "HS256", headers={"kid": "o1"}),
        "another issuer": provider_token(iss="https://evil.example/"),
        "another service's": provider_token(aud="other"),
        "expired of the provider": provider_token(exp=int(time.time()) - 60),
        "endless of the provider": provider_token(exp=None),
        "unknown key id": provider_token(kid="?"),
        "algorithm that is not taken": provider_token(algorithm="RS512"),
        "b64 false": by_hand({"alg": "HS256", "b64": False, "crit": ["b64"]}, claims),
        "huge": "a" * 60_000,
        "huge token": "a" * 20_000 + ".b." + "c" * 20_000,
        "not ASCII": "ключ.a.b",
    }
    headers = {name: {"authorization": f"Bearer {credential}".encode()} for name, credential in credentials.items()}
    headers |= {
        "nothing": {},
        "empty": {"authorization": b""},
        "Basic": {"authorization": b"Basic " + base64.b64encode(f"x:{good}".encode())},
        "no scheme": {"authorization": good.encode()},
        "in another header": {"x-api-key": good.encode()},
        "twice": [("authorization", f"Bearer {never_made}"), ("authorization", f"Bearer {good}")],
    }
    await door.keys.refresh()
    return headers  # type: ignore[return-value]


async def test_bad_credentials_open_nothing_that_is_locked(client: httpx.AsyncClient, door: Doorkeeper) -> None:
    for name, headers in (await bad_credentials(door)).items():
        for route in LOCKED:
            response = await call(client, route, headers)
            assert response.status_code == 401, (name, route, response.status_code, response.text)
            problem = response.json()
            assert problem["status"] == 401 and problem["title"] == "Unauthorized"
            challenge = response.headers["www-authenticate"]
            assert challenge.startswith("Bearer")
            assert ("invalid_token" in challenge) == (name not in ("nothing", "empty", "in another header"))


async def test_a_providers_tokens_have_the_scopes_of_their_claim(client: httpx.AsyncClient) -> None:
    for token in (provider_token(), provider_token(EC_KEY, "ES256", "e1"), provider_token(algorithm="PS256")):
        for route in CALLS:
            assert (await call(client, route, bearer(token))).status_code in (200, 202, 204, 404), route
    for scope in ("search", ["search", "other"]):
        token = provider_token(scope=scope)
        assert (await call(client, ("GET", "/v1/search"), bearer(token))).status_code == 200
        assert (await call(client, ("DELETE", "/v1/users/{}"), bearer(token))).status_code == 403
    for scope in (None, "", 7, {"search": True}, "searching"):
        token = provider_token(scope=scope)
        assert (await call(client, ("GET", "/v1/search"), bearer(token))).status_code == 403, scope


async def test_a_shoppers_token_searches_and_tells_whatever_it_claims(client: httpx.AsyncClient) -> None:
    claimed = jwt.encode(shopper_claims(scope="search events users admin"), NEW, "HS256")
    for token in (claimed, mint_shopper_token(NEW, "ada")):
        for route in LOCKED:
            allowed = needed_scope(route) in ("search", "events")
            status = (await call(client, route, bearer(token))).status_code
            assert (status in (200, 202)) if allowed else status == 403, route
    only_search = mint_shopper_token(NEW, "ada", scopes=["search"])
    assert (await call(client, ("POST", "/v1/events"), bearer(only_search))).status_code == 403


async def test_the_openapi_document_states_what_each_route_asks_for() -> None:
    document = openapi_document()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            needs = requirement(method.upper(), path)
            if needs in ("open", "health"):
                assert operation["security"] == [], (method, path)
            else:
                scope = "admin" if needs == "metrics" else needs
                assert operation["security"] == [{"bearer": [scope]}], (method, path)
                assert {"401", "403", "429"} <= set(operation["responses"])
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with shop.client() as client:
        yield client
