"""API keys in a file: a record a line, in JSON, of hashed keys alone."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from indexer.errors import StoreUnavailable
from query_api.access.api_keys import ApiKey, decode_record, encode_record
from query_api.errors import InvalidAccess

MAX_BYTES = 8 * 2**20


class FileApiKeys:
    """`ApiKeyStore` over a file; one that cannot be read any more counts as a store that does not answer."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._keys: dict[str, ApiKey] = {}
        self._read_version = ""
        self._fault: tuple[str, str] = ("", "")
        """The version that cannot be used, and why."""

    async def version(self) -> str:
        # Of what can be used: a slip of the pen is no change, and makes nobody's key worthless.
        await asyncio.to_thread(self._read)
        return self._read_version

    async def find(self, digest: str) -> ApiKey | None:
        return (await asyncio.to_thread(self._read)).get(digest)

    async def all(self) -> list[ApiKey]:
        return sorted((await asyncio.to_thread(self._read)).values(), key=lambda key: (key.created_s, key.id))

    async def add(self, key: ApiKey) -> None:
        await asyncio.to_thread(self._write, [*await self._present(), key])

    async def revoke(self, key_id: str) -> ApiKey | None:
        keys = await self._present()
        revoked = next((key for key in keys if key.id == key_id), None)
        if revoked is not None:
            await asyncio.to_thread(self._write, [key for key in keys if key.id != key_id])
        return revoked

    async def _present(self) -> list[ApiKey]:
        return await self.all() if self.path.exists() else []

    def _version(self) -> str:
        try:
            status = self.path.stat()
        except OSError as error:
            raise StoreUnavailable(f"the API keys in {self.path} cannot be read: {error.strerror}") from error
        return f"{status.st_mtime_ns}-{status.st_ino}-{status.st_size}"

    def _read(self) -> dict[str, ApiKey]:
        version = self._version()
        if version == self._fault[0]:
            raise StoreUnavailable(self._fault[1])
        if version != self._read_version:
            try:
                self._keys = {key.digest: key for key in read_key_file(self.path)}
            except InvalidAccess as error:
                self._fault = version, str(error)
                raise StoreUnavailable(str(error)) from error
            self._read_version = version
        return self._keys

    def _write(self, keys: Iterable[ApiKey]) -> None:
        """In one step, readable by the owner alone: workers see the old file or the new one."""
        lines = b"".join(encode_record(key) + b"\n" for key in keys)
        new = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise InvalidAccess(f"{self.path} cannot be written: {error.strerror}") from error


def read_key_file(path: Path) -> list[ApiKey]:
    """The keys of a file. Raises `InvalidAccess` naming the line at fault."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidAccess(f"the API keys in {path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise InvalidAccess(f"{path} is over {MAX_BYTES:,} bytes")
    keys: list[ApiKey] = []
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip() and not line.startswith(b"#"):
            try:
                keys.append(decode_record(line))
            except InvalidAccess as error:
                raise InvalidAccess(f"{path}, line {number}: {error}") from None
    return keys
