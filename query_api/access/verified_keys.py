"""API keys that were found to be good, remembered in the process, and forgotten within a second of any change."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from indexer.errors import StoreUnavailable
from query_api.access.api_keys import ApiKey
from query_api.access.key_store import ApiKeyStore
from query_api.errors import AccessUnavailable, InvalidAccess

Value = TypeVar("Value")
log = logging.getLogger(__name__)

POLL_S = 0.25
"""How often it is looked whether keys have changed."""
HOLD_S = 60.0
"""A key that was used so lately stays good while the store is away; nothing can be revoked there meanwhile."""
STALE_S = 5.0
"""The store counts as away when nobody has looked for changes for so long, whatever the reason."""
MAX_KEYS = 4_096
"""Good keys, and texts that are none, that are remembered: so many of each, the last that were used."""


@dataclass(slots=True)
class _Entry:
    key: ApiKey
    used_at: float


class VerifiedKeys:
    """Finds keys by their digest. For one event loop."""

    def __init__(self, store: ApiKeyStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._version: str | None = None
        self._is_away = False
        self._looked_at = float("-inf")
        self._changes = 0
        self._good: OrderedDict[str, _Entry] = OrderedDict()
        self._unknown: OrderedDict[str, None] = OrderedDict()

    @property
    def exist(self) -> bool | None:
        """Whether a key was ever made; None: not known yet. Once true it stays so."""
        return None if self._version is None else bool(self._version)

    async def run(self) -> None:
        """Look for changes until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(POLL_S)

    async def refresh(self) -> None:
        """Look once whether keys have changed; what is remembered is forgotten then."""
        try:
            version = await self._store.version()
        except StoreUnavailable as error:
            self._note_away(str(error))
            return
        if self._is_away:
            log.info("api_keys_back")
        self._is_away, self._looked_at = False, self._clock()
        if version != self._version:
            self._forget()
            # Keys that are lost with their server are not a reason to serve without any.
            self._version = version or self._version or ""

    def known(self, digest: str) -> ApiKey | None:
        """The key of a digest, if it is remembered and good; None: `find` knows."""
        return None if self._is_unwatched() else self._remembered(digest)

    async def find(self, digest: str) -> ApiKey | None:
        """The key of a digest, None where there is none.

        Raises:
            AccessUnavailable: the store is away, and the key was not used within `HOLD_S`.
        """
        if self._is_unwatched():
            await self.refresh()
        key = self._remembered(digest)
        if key is not None:
            return key
        if self._is_away:
            raise AccessUnavailable("API keys cannot be checked just now")
        if digest in self._unknown:
            return None
        return await self._look_up(digest)

    def _is_unwatched(self) -> bool:
        return not self._is_away and self._clock() - self._looked_at > STALE_S

    def _remembered(self, digest: str) -> ApiKey | None:
        entry, now = self._good.get(digest), self._clock()
        if entry is None or (self._is_away and now - entry.used_at > HOLD_S):
            return None
        entry.used_at = now
        self._good.move_to_end(digest)
        return entry.key if hmac.compare_digest(entry.key.digest, digest) else None

    async def _look_up(self, digest: str) -> ApiKey | None:
        changes = self._changes
        try:
            key = await self._store.find(digest)
        except StoreUnavailable as error:
            self._note_away(str(error))
            raise AccessUnavailable("API keys cannot be checked just now") from error
        except InvalidAccess as error:
            log.error("api_key_unreadable", extra={"error": str(error)[:300]})
            return None
        # What was read before a change must not outlive it.
        if changes == self._changes:
            if key is None:
                _remember(self._unknown, digest, None)
            else:
                _remember(self._good, digest, _Entry(key, self._clock()))
        return key

    def _forget(self) -> None:
        self._changes += 1
        self._good.clear()
        self._unknown.clear()

    def _note_away(self, reason: str) -> None:
        if not self._is_away:
            log.warning("api_keys_away", extra={"error": reason[:300]})
        self._is_away = True


def _remember(entries: OrderedDict[str, Value], digest: str, value: Value) -> None:
    entries[digest] = value
    while len(entries) > MAX_KEYS:
        entries.popitem(last=False)
