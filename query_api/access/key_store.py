"""Where API keys are kept: the port, records of them in a map, and its double."""

from __future__ import annotations

import hmac
from typing import Protocol

from query_api.access.api_keys import ApiKey, decode_record, encode_record


class ApiKeyStore(Protocol):
    """API keys by their digest. Raises `StoreUnavailable` when the store does not answer."""

    async def version(self) -> str:
        """Another one after each change; empty: no key was ever made."""
        ...

    async def find(self, digest: str) -> ApiKey | None:
        """The key of a digest."""
        ...

    async def all(self) -> list[ApiKey]:
        """All keys, the oldest first."""
        ...

    async def add(self, key: ApiKey) -> None:
        """Keep a key."""
        ...

    async def revoke(self, key_id: str) -> ApiKey | None:
        """Forget a key; returns it. None: there is none of this id."""
        ...


class KeyRecords(Protocol):
    """Bytes by digest, with a number that grows with each change. Raises `StoreUnavailable`."""

    async def version(self) -> int:
        """0: nothing was ever kept."""
        ...

    async def get(self, digest: str) -> bytes | None:
        """The record of a digest."""
        ...

    async def all(self) -> list[bytes]:
        """All records."""
        ...

    async def put(self, digest: str, record: bytes) -> None:
        """Keep a record; the version grows with it, in one step."""
        ...

    async def remove(self, digest: str) -> None:
        """Forget a record; the version grows with it, in one step."""
        ...


class StoredApiKeys:
    """`ApiKeyStore` over records."""

    def __init__(self, records: KeyRecords) -> None:
        self._records = records

    async def version(self) -> str:
        version = await self._records.version()
        return str(version) if version else ""

    async def find(self, digest: str) -> ApiKey | None:
        record = await self._records.get(digest)
        if record is None:
            return None
        key = decode_record(record)
        return key if hmac.compare_digest(key.digest, digest) else None

    async def all(self) -> list[ApiKey]:
        keys = [decode_record(record) for record in await self._records.all()]
        return sorted(keys, key=lambda key: (key.created_s, key.id))

    async def add(self, key: ApiKey) -> None:
        await self._records.put(key.digest, encode_record(key))

    async def revoke(self, key_id: str) -> ApiKey | None:
        for key in await self.all():
            if key.id == key_id:
                await self._records.remove(key.digest)
                return key
        return None


class InMemoryKeyRecords:
    """The double of the records in Redis within one process."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        self._version = 0

    async def version(self) -> int:
        return self._version

    async def get(self, digest: str) -> bytes | None:
        return self.records.get(digest)

    async def all(self) -> list[bytes]:
        return list(self.records.values())

    async def put(self, digest: str, record: bytes) -> None:
        self.records[digest] = record
        self._version += 1

    async def remove(self, digest: str) -> None:
        self.records.pop(digest, None)
        self._version += 1
