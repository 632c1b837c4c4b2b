"""The media store: pictures, clips and sounds by the hash of their bytes.

A file is touched whenever it is put. What removes files (`indexer.media.collection`) takes only those that have not
been touched for longer than anything can be under way, and takes them so that a file which is put meanwhile stays.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from indexer.errors import StoreUnavailable
from indexer.media.durable_files import write_durably
from indexer.media.removal import HASH, StoredFile, files_of_shard, leaving, remove_untouched
from indexer.media.stored_file import BytesMediaFile, DiskMediaFile, MediaFile

Found = TypeVar("Found")
Made = TypeVar("Made")
_WRITERS, _FILES_AT_ONCE = 4, 16
"""Threads that write the files of one call, and how many each has open at a time."""
_INCOMING = "incoming"
"""The folder of files that are not whole yet."""


def media_hash(data: bytes) -> str:
    """The name of these bytes: their SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


class MediaStore(Protocol):
    """Content-addressed, hence idempotent: the same bytes have the same name for ever.

    Durable once `put` returns. Raises `StoreUnavailable` when it cannot read or write just now.
    """

    async def put(self, media: Sequence[bytes]) -> list[str]:
        """Keep these files, touch those that are there already, and return their hashes."""
        ...

    async def get(self, digest: str) -> bytes | None:
        """The bytes of a hash; None when there are none, or it is no hash."""
        ...

    async def open(self, digest: str) -> MediaFile | None:
        """The file of a hash, to be read piece by piece and closed by the caller; None as for `get`."""
        ...

    async def link(self, digest: str) -> str | None:
        """The URL from which a browser gets the file of a hash, which may not exist; None: it is served by us."""
        ...

    async def touch(self, digests: Sequence[str]) -> None:
        """Note that files are in use, as `put` does; those that are not there are passed over."""
        ...


class CollectableMediaStore(MediaStore, Protocol):
    """A media store from which files can be removed. Safe beside any number of processes that put, get and remove."""

    def files(self) -> AsyncGenerator[Sequence[StoredFile]]:
        """All files, some at a time; those that come or go meanwhile may be among them or not."""
        ...

    async def remove(self, files: Sequence[StoredFile], untouched_since_s: float) -> list[StoredFile]:
        """Remove those of the files that have not been touched since then, Unix seconds; returns the removed ones.

        A file that is put while this runs is there afterwards, whichever came first.
        """
        ...


class DirectoryMediaStore:
    """`CollectableMediaStore` in a directory, which several processes may share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def put(self, media: Sequence[bytes]) -> list[str]:
        try:
            return await self._put_all(media)
        except OSError as error:
            raise StoreUnavailable(f"the media store {self._directory} cannot be written: {error.strerror}") from error

    async def get(self, digest: str) -> bytes | None:
        return await self._found(digest, Path.read_bytes)

    async def open(self, digest: str) -> MediaFile | None:
        return await self._found(digest, DiskMediaFile)

    async def link(self, digest: str) -> str | None:
        return None

    async def touch(self, digests: Sequence[str]) -> None:
        try:
            await asyncio.to_thread(lambda: [self._touch(digest) for digest in digests if HASH.fullmatch(digest)])
        except OSError as error:
            raise StoreUnavailable(f"the media store {self._directory} cannot be written: {error.strerror}") from error

    async def files(self) -> AsyncGenerator[Sequence[StoredFile]]:
        try:
            for shard in await asyncio.to_thread(self._shards):
                yield await asyncio.to_thread(files_of_shard, shard)
        except OSError as error:
            raise StoreUnavailable(f"the media store {self._directory} cannot be read: {error.strerror}") from error

    async def remove(self, files: Sequence[StoredFile], untouched_since_s: float) -> list[StoredFile]:
        try:
            return await asyncio.to_thread(
                lambda: [file for file in files if remove_untouched(self._path(file.digest), untouched_since_s)]
            )
        except OSError as error:
            raise StoreUnavailable(f"the media store {self._directory} cannot be written: {error.strerror}") from error

    async def _found(self, digest: str, read: Callable[[Path], Found]) -> Found | None:
        """What reading the file of a hash gives; None: there is none."""
        if not HASH.fullmatch(digest):
            return None
        try:
            return await asyncio.to_thread(self._read, digest, read)
        except OSError as error:
            raise StoreUnavailable(f"the media store {self._directory} cannot be read: {error.strerror}") from error

    def _read(self, digest: str, read: Callable[[Path], Found]) -> Found | None:
        path = self._path(digest)
        for place in (path, leaving(path), path):
            try:
                return read(place)
            except FileNotFoundError:
                continue
        return None

    async def _put_all(self, media: Sequence[bytes]) -> list[str]:
        """Put files in several threads: each of them waits for the disk, which takes their files together."""
        size = max(1, min(_FILES_AT_ONCE, -(-len(media) // _WRITERS)))
        groups = [media[start : start + size] for start in range(0, len(media), size)]
        threads = asyncio.Semaphore(_WRITERS)

        async def put(group: Sequence[bytes]) -> list[str]:
            async with threads:
                return await asyncio.to_thread(self._put, group)

        # One that fails leaves no other behind at work.
        put_groups = await asyncio.gather(*map(put, groups), return_exceptions=True)
        return [digest for group in put_groups for digest in _raised(group)]

    def _put(self, media: Sequence[bytes]) -> list[str]:
        digests = [media_hash(data) for data in media]
        new = {digest: data for digest, data in zip(digests, media, strict=True) if not self._touch(digest)}
        write_durably(f"{self._directory}/{_INCOMING}", {self._place(digest): data for digest, data in new.items()})
        return digests

    def _touch(self, digest: str) -> bool:
        """Touch a file; False: there is none."""
        try:
            os.utime(self._place(digest))
        except FileNotFoundError:
            return False
        return True

    def _shards(self) -> list[Path]:
        try:
            return sorted(path for path in self._directory.iterdir() if path.is_dir() and _is_shard(path.name))
        except FileNotFoundError:
            return []

    def _place(self, digest: str) -> str:
        return f"{self._directory}/{digest[:2]}/{digest}"

    def _path(self, digest: str) -> Path:
        return Path(self._place(digest))


class InMemoryMediaStore:
    """The double of `DirectoryMediaStore` within one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Args: clock: Unix seconds."""
        self._clock = clock
        self._media: dict[str, tuple[bytes, float]] = {}

    async def put(self, media: Sequence[bytes]) -> list[str]:
        self._media |= {media_hash(data): (data, self._clock()) for data in media}
        return [media_hash(data) for data in media]

    async def get(self, digest: str) -> bytes | None:
        return self._media.get(digest, (None,))[0]

    async def open(self, digest: str) -> MediaFile | None:
        data = await self.get(digest)
        return None if data is None else BytesMediaFile(data)

    async def link(self, digest: str) -> str | None:
        return None

    async def touch(self, digests: Sequence[str]) -> None:
        self._media |= {digest: (self._media[digest][0], self._clock()) for digest in digests if digest in self._media}

    async def files(self) -> AsyncGenerator[Sequence[StoredFile]]:
        yield [StoredFile(digest, len(data), touched_s) for digest, (data, touched_s) in self._media.items()]

    async def remove(self, files: Sequence[StoredFile], untouched_since_s: float) -> list[StoredFile]:
        untouched = [
            file for file in files if file.digest in self._media and self._media[file.digest][1] < untouched_since_s
        ]
        for file in untouched:
            del self._media[file.digest]
        return untouched


def _is_shard(name: str) -> bool:
    """Whether a folder has files: by the beginning of their hashes, or half-written ones."""
    return len(name) == 2 or name == _INCOMING


def _raised(outcome: Made | BaseException) -> Made:
    """What was made; if it failed, the failure is raised."""
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
