"""JWTs of an identity provider (OIDC): read by its public keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import jwt

from query_api.access.callers import SHOPPER_SCOPES, Caller, read_scopes
from query_api.access.signing_keys import SigningKeys
from query_api.access_config import AccessConfig
from query_api.errors import NotAuthenticated

LEEWAY_S = 10.0
"""How far the provider's clock may be off."""


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """Reads an identity provider's JWTs."""

    keys: SigningKeys
    config: AccessConfig

    async def read(self, token: str, key_id: str | None, algorithm: str) -> tuple[Caller, float]:
        """Who asks with a JWT, and when it ends, in Unix seconds.

        Raises:
            NotAuthenticated: it is not good.
            AccessUnavailable: the provider's keys could not be fetched yet.
        """
        if algorithm not in self.config.jwt_algorithms:
            raise NotAuthenticated("the token is signed by an algorithm that is not taken")
        key = await self.keys.find(key_id)
        if key is None:
            raise NotAuthenticated("the token is signed with a key that its issuer does not publish")
        if key.algorithm not in (None, algorithm):
            raise NotAuthenticated("the token is signed by another algorithm than its key is for")
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=self.config.jwt_audience,
                issuer=self.config.jwt_issuer,
                leeway=LEEWAY_S,
                options=cast(Any, {"require": ["exp", "iss", "aud"]}),
            )
        except jwt.ExpiredSignatureError:
            raise NotAuthenticated("the token has expired") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise NotAuthenticated(f"the token is not good: {str(error)[:200]}") from None
        return self._caller(claims), float(claims["exp"])

    def _caller(self, claims: dict[str, Any]) -> Caller:
        scopes = read_scopes(claims.get(self.config.jwt_scope_claim))
        if not self.config.jwt_user_claim:
            client = claims.get("client_id") or claims.get("azp") or "service"
            return Caller(f"jwt:{str(client)[:64]}", "service", scopes)
        user_id = claims.get(self.config.jwt_user_claim)
        if not isinstance(user_id, str) or not 1 <= len(user_id) <= 256:
            raise NotAuthenticated(f"the token's {self.config.jwt_user_claim} names no shopper")
        return Caller("jwt", "shopper", scopes & SHOPPER_SCOPES, user_id)
