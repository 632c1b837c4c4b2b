"""Media that events carry: at hand at once, and written to the media store while their batch is loaded and encoded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from indexer.media.store import MediaStore
from indexer.media.stored_file import MediaFile
from streams import metrics
from streams.delivery.availability import until_available


class FilesBeingWritten:
    """A batch's files on their way to the media store."""

    def __init__(self, files: Mapping[str, bytes], store: MediaStore) -> None:
        """Begin to write them. Args: files: by the hash of their bytes."""
        self.files = files
        self._store = store
        self._writing = asyncio.create_task(self._write(files))

    async def until_durable(self, digests: Iterable[str]) -> None:
        """Wait until those of the files are durable, however long the media store is away: before rows refer to them.

        Raises:
            Exception: what writing them raises, when none but these are written.
        """
        try:
            await asyncio.shield(self._writing)
        except Exception:
            # Another file may be at fault.
            await self._write({digest: self.files[digest] for digest in digests if digest in self.files})

    async def cancel(self) -> None:
        """Give up what is not written yet."""
        self._writing.cancel()
        await asyncio.wait([self._writing])

    async def _write(self, files: Mapping[str, bytes]) -> None:
        if files:
            with metrics.stage("store"):
                await until_available("media", lambda: self._store.put([*files.values()]))


class IncomingMedia:
    """`MediaStore` whose readers also find what is being written to it.

    A batch's files stay in memory until the batch is done, so that none of them is read back from disk.
    """

    def __init__(self, store: MediaStore) -> None:
        self._store = store
        self._batches: list[FilesBeingWritten] = []

    @asynccontextmanager
    async def storing(self, files: Mapping[str, bytes]) -> AsyncGenerator[FilesBeingWritten]:
        """Hold a batch's files, by the hash of their bytes, and write them meanwhile."""
        batch = FilesBeingWritten(files, self._store)
        self._batches.append(batch)
        try:
            yield batch
        finally:
            self._batches.remove(batch)
            await batch.cancel()

    async def put(self, media: Sequence[bytes]) -> list[str]:
        return await self._store.put(media)

    async def get(self, digest: str) -> bytes | None:
        at_hand = (batch.files[digest] for batch in self._batches if digest in batch.files)
        return next(at_hand, None) or await self._store.get(digest)

    async def open(self, digest: str) -> MediaFile | None:
        return await self._store.open(digest)

    async def link(self, digest: str) -> str | None:
        return await self._store.link(digest)

    async def touch(self, digests: Sequence[str]) -> None:
        await self._store.touch(digests)
