"""Shopper tokens: made by the shop's server, given to a browser, good for one shopper. Pure.

A token is a JWT, signed by HMAC-SHA256 and nothing else: `aud` is `vitrine`, `sub` the shopper, `exp` when it ends,
`scope` what it may do (`search events`, or one of them), `filters` what everything it is shown has to pass.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, cast

import jwt

from indexer.criteria import Filters
from indexer.errors import InvalidFilter
from indexer.filter_parsing import parse_filters
from query_api.access.callers import SHOPPER_SCOPES, Caller, read_scopes
from query_api.access.token_secrets import TokenSecret, TokenSecrets
from query_api.errors import InvalidAccess, NotAuthenticated

ALGORITHM = "HS256"
AUDIENCE = "vitrine"
LEEWAY_S = 5.0
"""How far the shop's clock may be off."""
MAX_USER_ID = 256


def mint_shopper_token(
    secret: str | TokenSecret,
    user_id: str,
    *,
    filters: Mapping[str, Any] | None = None,
    expires_s: float = 3_600.0,
    scopes: Iterable[str] = ("search", "events"),
    key_id: str = "",
) -> str:
    """A token for a shopper's browser; made where the secret is, never in the browser.

    Args:
        filters: what everything that they are shown has to pass, as `POST /v1/search` takes them.
        expires_s: how long it is good for.
        key_id: which of several secrets it is.

    Raises:
        InvalidAccess: the shopper, a scope or the filters are not possible.
    """
    if isinstance(secret, str):
        secret = TokenSecret(key_id, secret.encode())
    wanted = list(scopes)
    if not 1 <= len(user_id) <= MAX_USER_ID:
        raise InvalidAccess(f"user_id has {len(user_id)} characters, it takes 1 to {MAX_USER_ID}")
    if not wanted or not SHOPPER_SCOPES.issuperset(wanted):
        raise InvalidAccess(f"a shopper's token takes the scopes search and events, not {', '.join(wanted) or 'none'}")
    _read_filters(filters, InvalidAccess)
    now = time.time()
    claims: dict[str, Any] = {"aud": AUDIENCE, "sub": user_id, "iat": int(now), "exp": int(now + expires_s)}
    claims |= {"scope": " ".join(wanted)} | ({"filters": dict(filters)} if filters else {})
    return jwt.encode(claims, secret.secret, ALGORITHM, headers={"kid": secret.id} if secret.id else None)


class ShopperTokens:
    """Reads shopper tokens."""

    def __init__(self, secrets: TokenSecrets, max_s: float) -> None:
        """Args: max_s: the longest that a token may be good for."""
        self.secrets = secrets
        self._max_s = max_s

    def read(self, token: str, key_id: str | None) -> tuple[Caller, float]:
        """Who asks with a token, and when it ends, in Unix seconds.

        Args:
            key_id: its `kid`.

        Raises:
            NotAuthenticated: it is not good.
        """
        claims, secret = self._claims(token, key_id)
        user_id, expires_s = claims["sub"], float(claims["exp"])
        if expires_s - time.time() > self._max_s + LEEWAY_S:
            raise NotAuthenticated(f"the token is good for too long; at most {self._max_s:g} s are taken")
        if not 1 <= len(user_id) <= MAX_USER_ID:
            raise NotAuthenticated("the token names no shopper")
        scopes = read_scopes(claims.get("scope", "search events")) & SHOPPER_SCOPES
        filters = _read_filters(claims.get("filters"), NotAuthenticated)
        return Caller(f"shopper:{secret.id}", "shopper", scopes, user_id, filters), expires_s

    def _claims(self, token: str, key_id: str | None) -> tuple[dict[str, Any], TokenSecret]:
        reason = "it is signed with another secret"
        for secret in self.secrets.named(key_id):
            try:
                return _decode(token, secret.secret), secret
            except jwt.InvalidSignatureError:
                continue
            except jwt.ExpiredSignatureError:
                raise NotAuthenticated("the token has expired") from None
            except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
                reason = str(error)
                break
        raise NotAuthenticated(f"the token is not good: {reason[:200]}")


def _decode(token: str, secret: bytes) -> dict[str, Any]:
    options: Any = {"require": ["exp", "sub", "aud"]}
    return jwt.decode(token, secret, algorithms=[ALGORITHM], audience=AUDIENCE, leeway=LEEWAY_S, options=options)


def _read_filters(raw: object, refusal: type[InvalidAccess] | type[NotAuthenticated]) -> Filters:
    if raw is None:
        return ()
    if not isinstance(raw, Mapping):
        raise refusal("the token's filters are no object")
    try:
        return parse_filters(cast(Mapping[str, Any], raw))
    except InvalidFilter as error:
        raise refusal(f"the token's {error}") from None
