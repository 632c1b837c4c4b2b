"""The media store in a bucket: an object a file, named as in the directory: `ab/abcd…`.

A bucket has no rename, and whoever removes an object cannot ask for its age in the same call. So who removes files says
so first, in an object under `leaving/`, and looks at their ages only then. Who puts or touches a file looks for such
objects afterwards, and where one names the file, waits for it to go and does it again. Either the remover sees the new
age, or the other sees the remover. It takes a store whose reads and listings see all writes before them, as S3's do.

Source: Dekker's algorithm (Dijkstra, 1965, "Cooperating sequential processes"): announce first, then look.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from indexer.errors import StoreUnavailable
from indexer.media.bucket import bucket_call, no_object
from indexer.media.config import SIGNED
from indexer.media.removal import HASH, StoredFile
from indexer.media.store import media_hash
from indexer.media.stored_file import BytesMediaFile, MediaFile

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

Found = TypeVar("Found")

LINKS_GOOD_FOR = timedelta(hours=1)
READ_AHEAD_BYTES = 2**20
"""What is in memory of an object that is read piece by piece: each piece as a request of its own would be slow, and
dear."""
_LEAVING, _TOUCHING = "leaving", "touching"
_PAGE = 1_000
_AT_ONCE = 16
"""Requests of one call that are under way."""
_REMOVING_S = 20.0
"""How long after it said so a remover may still ask for files to be removed."""
_REMOVER_GONE_S = 600.0
"""What was announced so long ago was left by a process that died: nobody waits for it."""
_LOOK_AGAIN_S = 0.2
_WAIT_S = 30.0
"""The longest that a put waits for a remover."""


class BucketMediaStore:
    """`CollectableMediaStore` in a bucket, which any number of processes may share."""

    def __init__(
        self,
        bucket: ObjectStore,
        url: str,
        links: str = "",
        media_type: Callable[[bytes], str | None] = lambda _: None,
    ) -> None:
        """Args: url: what the bucket is called in errors; links: `MediaStoreConfig.links`; media_type: of a file."""
        self._bucket = bucket
        self._media_type = media_type
        self._url = url
        self._links = links.rstrip("/")
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def put(self, media: Sequence[bytes]) -> list[str]:
        digests = [media_hash(data) for data in media]
        files = dict(zip(digests, media, strict=True))
        async with bucket_call(self._url, "written"):
            await self._place({digest: lambda digest=digest: self._write(digest, files[digest]) for digest in files})
        return digests

    async def get(self, digest: str) -> bytes | None:
        if not HASH.fullmatch(digest):
            return None
        async with bucket_call(self._url, "read"):
            try:
                return bytes(await (await self._bucket.get_async(_key(digest))).bytes_async())
            except FileNotFoundError as error:
                return no_object(error)

    async def open(self, digest: str) -> MediaFile | None:
        if not HASH.fullmatch(digest):
            return None
        async with bucket_call(self._url, "read"):
            try:
                found = await self._bucket.get_async(_key(digest))
            except FileNotFoundError as error:
                return no_object(error)
            size = found.meta["size"]
            if size <= READ_AHEAD_BYTES:
                return BytesMediaFile(bytes(await found.bytes_async()))
            return _ObjectFile(self._bucket, self._url, _key(digest), size)

    async def link(self, digest: str) -> str | None:
        if not self._links or not HASH.fullmatch(digest):
            return None
        if self._links != SIGNED:
            return f"{self._links}/{_key(digest)}"
        from obstore import sign_async

        async with bucket_call(self._url, "signed for"):
            return await sign_async(self._bucket, "GET", _key(digest), LINKS_GOOD_FOR)  # type: ignore[arg-type]

    async def touch(self, digests: Sequence[str]) -> None:
        known = [digest for digest in dict.fromkeys(digests) if HASH.fullmatch(digest)]
        async with bucket_call(self._url, "written"):
            # An object cannot be touched, nor copied onto itself; copied there and back it is as if it had been put.
            aside = {digest: f"{_TOUCHING}/{digest}.{uuid.uuid4().hex}" for digest in known}
            are_there = await self._each(lambda one: self._copied(_key(one), aside[one]), known)
            copies = {digest: aside[digest] for digest, is_there in zip(known, are_there, strict=True) if is_there}
            await self._place(
                {digest: lambda digest=digest: self._copied(copies[digest], _key(digest)) for digest in copies}
            )
            await self._remove([*copies.values()])

    async def files(self) -> AsyncGenerator[Sequence[StoredFile]]:
        pages = self._listed()
        while True:
            async with bucket_call(self._url, "read"):
                page = await anext(pages, None)
                if page is None:
                    break
                await self._clear_up(page)
            yield [_stored_file(entry) for entry in page if HASH.fullmatch(_name(entry))]

    async def remove(self, files: Sequence[StoredFile], untouched_since_s: float) -> list[StoredFile]:
        async with bucket_call(self._url, "written"):
            announced_s, notice = time.monotonic(), f"{_LEAVING}/{uuid.uuid4().hex}"
            await self._bucket.put_async(notice, "\n".join(file.digest for file in files).encode())
            touched_s = await self._each(self._touched_s, [file.digest for file in files])
            untouched = [
                file for file, at in zip(files, touched_s, strict=True) if at is not None and at < untouched_since_s
            ]
            if time.monotonic() - announced_s > _REMOVING_S:
                raise StoreUnavailable(f"{self._url} is too slow to remove files from it just now")
            # Should this fail, the notice stays: the request may still come to pass.
            await self._remove([_key(file.digest) for file in untouched])
            await self._remove([notice])
        return untouched

    async def _place(self, writes: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
        """Write files, by their hashes; again those that somebody was removing meanwhile."""
        rest = [*writes]
        async with asyncio.timeout(_WAIT_S):
            while rest:
                await self._each(lambda digest: writes[digest](), rest)
                leaving = await self._leaving()
                rest = [digest for digest in rest if digest in leaving]
                while leaving.intersection(rest):
                    await asyncio.sleep(_LOOK_AGAIN_S)
                    leaving = await self._leaving()

    async def _write(self, digest: str, data: bytes) -> None:
        kind = self._media_type(data) or "application/octet-stream"
        await self._bucket.put_async(_key(digest), data, attributes={"Content-Type": kind})

    async def _leaving(self) -> set[str]:
        """The hashes of the files that are being removed."""
        page = [entry async for entries in self._listed(f"{_LEAVING}/") for entry in entries if not _was_left(entry)]
        lists = await self._each(self._announced, [entry["path"] for entry in page])
        return {digest for digests in lists for digest in digests}

    def _listed(self, prefix: str | None = None) -> AsyncIterator[Sequence[ObjectMeta]]:
        """The objects under a prefix, some at a time."""
        # One of the overloads gives a table of a package that is not installed.
        listed = self._bucket.list(prefix, chunk_size=_PAGE)  # pyright: ignore[reportUnknownMemberType]
        return aiter(listed)

    async def _announced(self, notice: str) -> list[str]:
        try:
            return bytes(await (await self._bucket.get_async(notice)).bytes_async()).decode().split()
        except FileNotFoundError:
            return []

    async def _touched_s(self, digest: str) -> float | None:
        """When a file was last put or touched, Unix seconds; None: it is not there."""
        try:
            return (await self._bucket.head_async(_key(digest)))["last_modified"].timestamp()
        except FileNotFoundError:
            return None

    async def _copied(self, source: str, target: str) -> bool:
        """Copy an object; False: there is none."""
        try:
            await self._bucket.copy_async(source, target)
        except FileNotFoundError:
            return False
        return True

    async def _remove(self, keys: Sequence[str]) -> None:
        if keys:
            await self._bucket.delete_async(keys)

    async def _clear_up(self, page: Iterable[ObjectMeta]) -> None:
        """Remove what a process that died left: its notices and its copies."""
        passing = [entry for entry in page if entry["path"].startswith((f"{_LEAVING}/", f"{_TOUCHING}/"))]
        await self._remove([entry["path"] for entry in passing if _was_left(entry)])

    async def _each(self, call: Callable[[str], Awaitable[Found]], of: Sequence[str]) -> list[Found]:
        """What a call gives for each, some at a time."""

        async def one(name: str) -> Found:
            async with self._places:
                return await call(name)

        return await asyncio.gather(*map(one, of))


class _ObjectFile:
    """The `MediaFile` of an object, read ahead of who reads it; of one that was removed meanwhile, the rest is gone."""

    def __init__(self, bucket: ObjectStore, url: str, key: str, size: int) -> None:
        self.size = size
        self._bucket = bucket
        self._url = url
        self._key = key
        self._start, self._ahead = 0, b""

    async def read(self, start: int, length: int) -> bytes:
        stop = min(start + length, self.size)
        if start >= stop:
            return b""
        if not (self._start <= start and stop <= self._start + len(self._ahead)):
            wanted = min(max(length, READ_AHEAD_BYTES), self.size - start)
            async with bucket_call(self._url, "read"):
                ahead = await self._bucket.get_range_async(self._key, start=start, length=wanted)
            self._start, self._ahead = start, bytes(ahead)
        return self._ahead[start - self._start : stop - self._start]

    async def aclose(self) -> None:
        self._ahead = b""


def _key(digest: str) -> str:
    return f"{digest[:2]}/{digest}"


def _name(found: ObjectMeta) -> str:
    """The hash that an object is named by; another text where it is no file of the store."""
    digest = found["path"].rpartition("/")[2]
    return digest if found["path"] == _key(digest) else found["path"]


def _was_left(found: ObjectMeta) -> bool:
    return found["last_modified"].timestamp() < time.time() - _REMOVER_GONE_S


def _stored_file(found: ObjectMeta) -> StoredFile:
    return StoredFile(_name(found), found["size"], found["last_modified"].timestamp())
