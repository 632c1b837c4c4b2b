"""A stored picture, clip or sound that is read piece by piece, so that a large one is never in memory as a whole."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Protocol

from indexer.errors import StoreUnavailable


class MediaFile(Protocol):
    """An open file, to be closed by who opened it.

    It can be read to its end even when it is removed meanwhile, save for large ones in a bucket, whose rest is refused.
    """

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    async def read(self, start: int, length: int) -> bytes:
        """Read `length` bytes from `start` on; fewer at the end. Raises `StoreUnavailable`."""
        ...

    async def aclose(self) -> None:
        """Close it; more than once does no harm."""
        ...


class BytesMediaFile:
    """The `MediaFile` of bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    async def read(self, start: int, length: int) -> bytes:
        return self._data[start : start + length]

    async def aclose(self) -> None:
        return None


class DiskMediaFile:
    """The `MediaFile` of a file in a directory."""

    def __init__(self, path: Path) -> None:
        """Opens it, which blocks. Raises `OSError`."""
        # An object that closes itself: nobody may be there any more for whom it was opened.
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size

    async def read(self, start: int, length: int) -> bytes:
        try:
            return await asyncio.to_thread(os.pread, self._file.fileno(), length, start)
        except OSError as error:
            raise StoreUnavailable(f"a stored file cannot be read: {error.strerror}") from error

    async def aclose(self) -> None:
        self._file.close()
