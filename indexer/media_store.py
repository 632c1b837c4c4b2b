"""The media store: pictures, clips and sounds by the hash of their bytes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from indexer.errors import StoreUnavailable

_HASH = re.compile(r"[0-9a-f]{64}")


def media_hash(data: bytes) -> str:
    """The name of these bytes: their SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


class MediaStore(Protocol):
    """Content-addressed, hence idempotent: the same bytes have the same name for ever.

    Durable once `put` returns. Raises `StoreUnavailable` when it cannot read or write just now.
    """

    async def put(self, media: Sequence[bytes]) -> list[str]:
        """Keep these files and return their hashes."""
        ...

    async def get(self, digest: str) -> bytes | None:
        """The bytes of a hash; None when there are none, or it is no hash."""
        ...


class DirectoryMediaStore:
    """`MediaStore` in a directory, which several processes may share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def put(self, media: Sequence[bytes]) -> list[str]:
        try:
            return await asyncio.to_thread(lambda: [self._put(data) for data in media])
        except OSError as error:
            raise StoreUnavailable(f"the media store {self._directory} cannot be written: {error.strerror}") from error

    async def get(self, digest: str) -> bytes | None:
        if not _HASH.fullmatch(digest):
            return None
        try:
            return await asyncio.to_thread(self._path(digest).read_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(f"the media store {self._directory} cannot be read: {error.strerror}") from error

    def _put(self, data: bytes) -> str:
        digest = media_hash(data)
        path = self._path(digest)
        if not path.exists():
            try:
                self._write_durably(path, data)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._write_durably(path, data)
        return digest

    def _write_durably(self, path: Path, data: bytes) -> None:
        # Written beside its place and renamed over it: no reader ever sees half a picture.
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise

    def _path(self, digest: str) -> Path:
        return self._directory / digest[:2] / digest


class RecentMediaStore:
    """`MediaStore` that keeps what was put last in memory too: the indexing worker asks for it next."""

    def __init__(self, store: MediaStore, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    async def put(self, media: Sequence[bytes]) -> list[str]:
        digests = await self._store.put(media)
        for digest, data in zip(digests, media, strict=True):
            self._bytes += len(data) - len(self._recent.pop(digest, b""))
            self._recent[digest] = data
        while self._bytes > self._max_bytes:
            self._bytes -= len(self._recent.popitem(last=False)[1])
        return digests

    async def get(self, digest: str) -> bytes | None:
        return self._recent.get(digest) or await self._store.get(digest)


class InMemoryMediaStore:
    """The double of `DirectoryMediaStore` within one process."""

    def __init__(self) -> None:
        self._media: dict[str, bytes] = {}

    async def put(self, media: Sequence[bytes]) -> list[str]:
        self._media |= {media_hash(data): data for data in media}
        return [media_hash(data) for data in media]

    async def get(self, digest: str) -> bytes | None:
        return self._media.get(digest)
