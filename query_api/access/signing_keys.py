"""An identity provider's public keys (JWKS): fetched now and then, kept while their host is away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec

from query_api.errors import AccessUnavailable

log = logging.getLogger(__name__)

REFRESH_S = 600.0
"""How often keys are fetched anew: one that is withdrawn is refused after so long."""
UNKNOWN_S = 30.0
"""Tokens with a key id that nobody knows make them be fetched at most so often."""
MAX_KEYS = 64
MAX_BYTES = 256 * 1024
_KEY_TYPES = ("RSA", "EC", "OKP")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key."""

    key: Any
    """As `cryptography` has it."""
    algorithm: str | None
    """The one that it is for, where its publisher says so."""


class SigningKeys:
    """Public keys by their id. For one event loop."""

    def __init__(self, fetch: Callable[[], Awaitable[bytes]], clock: Callable[[], float] = time.monotonic) -> None:
        """Args: fetch: gets the document; raises `AccessUnavailable`."""
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str | None, SigningKey] = {}
        self._asked_at = float("-inf")
        self._fetching = asyncio.Lock()
        self.version = 0
        """Another one after each change."""

    async def run(self) -> None:
        """Keep them fresh until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_S if self._keys else UNKNOWN_S / 6)

    async def refresh(self) -> None:
        """Fetch them once; what cannot be fetched or read changes nothing."""
        async with self._fetching:
            self._asked_at = self._clock()
            try:
                keys = read_keys(await self._fetch())
            except (AccessUnavailable, ValueError) as error:
                log.warning("jwks_unavailable", extra={"error": str(error)[:300], "keys": len(self._keys)})
                return
            if keys.keys() != self._keys.keys():
                log.info("jwks_changed", extra={"keys": len(keys)})
            self._keys = keys
            self.version += 1

    async def find(self, key_id: str | None) -> SigningKey | None:
        """The key of an id; of no id: the only one there is. An unknown one is looked for, but not again and again.

        Raises:
            AccessUnavailable: no keys could be fetched yet.
        """
        key = self._known(key_id)
        if key is None and self._clock() - self._asked_at >= (UNKNOWN_S if self._keys else 1.0):
            await self.refresh()
            key = self._known(key_id)
        if key is None and not self._keys:
            raise AccessUnavailable("the identity provider's keys could not be fetched yet")
        return key

    def _known(self, key_id: str | None) -> SigningKey | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)


def read_keys(document: bytes) -> dict[str | None, SigningKey]:
    """The public signature keys of a JWKS, by id; others are passed over. Raises `ValueError` when it is none."""
    try:
        listed: list[dict[str, Any]] = msgspec.json.decode(document, type=dict[str, Any]).get("keys") or []
        usable = [key for key in listed[:MAX_KEYS] if key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"]
    except (msgspec.DecodeError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"no JWKS: {error}") from None
    keys: dict[str | None, SigningKey] = {}
    for key in usable:
        try:
            keys[key.get("kid")] = SigningKey(jwt.PyJWK(key).key, key.get("alg"))
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            log.warning("jwks_key_unusable", extra={"key": str(key.get("kid"))[:80], "error": str(error)[:200]})
    if not keys:
        raise ValueError("the JWKS has no public key for signatures")
    return keys
