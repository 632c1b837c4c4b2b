"""Who may ask: a request's `Authorization` to a `Caller`, whatever kind of key or token it is."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import jwt

from query_api.access.api_keys import digest_of, is_key
from query_api.access.callers import OPEN_CALLER, Caller
from query_api.access.provider_tokens import ProviderTokens
from query_api.access.shopper_tokens import ALGORITHM, ShopperTokens
from query_api.access.verified_keys import VerifiedKeys
from query_api.access_config import ASYMMETRIC_ALGORITHMS, AccessConfig
from query_api.errors import AccessUnavailable, NotAuthenticated

MAX_CREDENTIAL = 4_096
"""Characters of a key or token; identity providers' are of 1,000 or 2,000."""
MAX_TOKENS = 4_096
"""Tokens whose signature is known to be good: the last that were used."""
SECRETS_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class _KnownToken:
    caller: Caller
    expires_s: float
    version: int


class AccessControl:
    """Finds out who asks. For one event loop."""

    def __init__(
        self,
        config: AccessConfig,
        keys: VerifiedKeys,
        shoppers: ShopperTokens | None = None,
        provider: ProviderTokens | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Args: shoppers, provider: None: such tokens are not taken."""
        self._config = config
        self._keys = keys
        self._shoppers = shoppers
        self._provider = provider
        self._clock = clock
        self._tokens: OrderedDict[str, _KnownToken] = OrderedDict()
        self._secrets_version = 0

    @property
    def is_locked(self) -> bool | None:
        """Whether keys are asked for; None: that is not known yet."""
        if self._config.locks_by_setting or self._keys.exist:
            return True
        if self._keys.exist is None:
            return False if self._config.open else None
        return False

    @property
    def background(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """What keeps keys and secrets fresh, each until cancelled."""
        runs: list[Callable[[], Coroutine[Any, Any, None]]] = [self._keys.run]
        runs += [self._watch_secrets] if self._shoppers is not None else []
        return runs + ([self._provider.keys.run] if self._provider is not None else [])

    async def identify(self, authorization: str | None) -> Caller:
        """Who asks.

        Args:
            authorization: the header; None: there is none.

        Raises:
            NotAuthenticated: there has to be a good key or token, and there is none.
            AccessUnavailable: it cannot be found out just now.
        """
        locked = self.is_locked
        if locked is None:
            raise AccessUnavailable("it is not known yet whether API keys are asked for: their store does not answer")
        if not locked:
            return OPEN_CALLER
        if not authorization:
            raise NotAuthenticated("send a key or token, as `Authorization: Bearer …`", is_missing=True)
        scheme, _, credential = authorization.partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential or len(credential) > MAX_CREDENTIAL or not credential.isascii():
            raise NotAuthenticated("`Authorization` is not `Bearer`, a space, and a key or token")
        return await (self._by_token(credential) if credential.count(".") == 2 else self._by_key(credential))

    async def _by_key(self, text: str) -> Caller:
        digest = digest_of(text)
        # The checksum spares the store those that are mistyped: of keys that are known it says nothing.
        key = self._keys.known(digest)
        if key is None:
            if not is_key(text):
                raise NotAuthenticated("this is no API key")
            key = await self._keys.find(digest)
        if key is None:
            raise NotAuthenticated("the key is unknown, or revoked")
        return key.caller(self._clock())

    async def _by_token(self, token: str) -> Caller:
        digest = digest_of(token)
        known = self._tokens.get(digest)
        if known is None or known.version != self._token_version():
            caller, expires_s = await self._read_token(token)
            known = self._tokens[digest] = _KnownToken(caller, expires_s, self._token_version())
            while len(self._tokens) > MAX_TOKENS:
                self._tokens.popitem(last=False)
        else:
            self._tokens.move_to_end(digest)
        if self._clock() >= known.expires_s:
            del self._tokens[digest]
            raise NotAuthenticated("the token has expired")
        return known.caller

    async def _read_token(self, token: str) -> tuple[Caller, float]:
        """By the algorithm it goes to the one reader for it, which takes no other: a public key is never a secret."""
        try:
            header: dict[str, Any] = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise NotAuthenticated("this is neither a key nor a token") from None
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm == ALGORITHM and self._shoppers is not None:
            return self._shoppers.read(token, key_id)
        if algorithm in ASYMMETRIC_ALGORITHMS and self._provider is not None:
            return await self._provider.read(token, key_id, algorithm)
        raise NotAuthenticated("such tokens are not taken here")

    def _token_version(self) -> int:
        return self._secrets_version + (self._provider.keys.version if self._provider is not None else 0)

    async def _watch_secrets(self) -> None:
        while self._shoppers is not None:
            await asyncio.sleep(SECRETS_POLL_S)
            if await asyncio.to_thread(self._shoppers.secrets.refresh):
                self._secrets_version += 1
