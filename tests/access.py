"""Keys, tokens and a gate for tests."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from indexer.errors import StoreUnavailable
from query_api.access.access_control import AccessControl
from query_api.access.api_keys import make_key
from query_api.access.callers import Scope
from query_api.access.gate import AccessGate
from query_api.access.key_store import InMemoryKeyRecords, StoredApiKeys
from query_api.access.provider_tokens import ProviderTokens
from query_api.access.shopper_tokens import ShopperTokens
from query_api.access.signing_keys import SigningKeys
from query_api.access.token_secrets import TokenSecrets
from query_api.access.verified_keys import VerifiedKeys
from query_api.config import QueryConfig

SECRET = "new:" + "n" * 32 + ",old:" + "o" * 32
NEW, OLD = "n" * 32, "o" * 32


class Records(InMemoryKeyRecords):
    """Records whose server can go away; counts what it is asked."""

    is_away = False
    asked = 0

    async def version(self) -> int:
        self._check()
        return await super().version()

    async def get(self, digest: str) -> bytes | None:
        self._check()
        return await super().get(digest)

    def _check(self) -> None:
        self.asked += 1
        if self.is_away:
            raise StoreUnavailable("away")


class Doorkeeper:
    """A gate with what is behind it."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bytes]] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        host: str = "127.0.0.1",
        **settings: Any,
    ) -> None:
        self.config = QueryConfig(**({"allowed_hosts": ("shop",)} | settings))
        self.records = Records()
        self.store = StoredApiKeys(self.records)
        self.keys = VerifiedKeys(self.store, clock)
        secrets = self.config.token_secret or self.config.token_secret_file
        self.shoppers = (
            ShopperTokens(
                TokenSecrets(self.config.token_secret, self.config.token_secret_file), self.config.token_max_s
            )
            if secrets
            else None
        )
        self.provider = ProviderTokens(SigningKeys(fetch, clock), self.config) if fetch else None
        self.control = AccessControl(self.config, self.keys, self.shoppers, self.provider, wall_clock)
        self.gate = AccessGate(self.config, host, self.control, None)

    async def key(self, scopes: Iterable[Scope], **options: Any) -> str:
        """A key that was made and can be used."""
        key, stored = make_key(scopes, time.time(), **options)
        await self.store.add(stored)
        await self.keys.refresh()
        return key


def bearer(credential: str) -> dict[str, str]:
    """The header that sends a key or token."""
    return {"authorization": f"Bearer {credential}"}
