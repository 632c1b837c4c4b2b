"""What is remembered of pictures, so that none is fetched or encoded twice: embeddings by content, content by URL."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from encoders.spec import FloatArray
from indexer.bounded_maps import BoundedMap
from indexer.errors import StoreUnavailable

REST_S = 2.0
"""How long a store that did not answer is not asked again."""

log = logging.getLogger(__name__)


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What a URL answered last."""

    digest: str
    """SHA-256 of the file, in hex."""
    etag: str = ""
    last_modified: str = ""


class PictureMemory:
    """Embeddings of pictures by the hash of their files, and files by URL; a store that is away remembers nothing.

    Not durable, and need not be: what is forgotten is fetched and encoded again.
    """

    def __init__(self, embeddings: BoundedMap, urls: BoundedMap) -> None:
        """Args: embeddings: of this encoder version alone; urls: of any."""
        self._embeddings = embeddings
        self._urls = urls
        self._away_until = float("-inf")

    async def embeddings(self, digests: Sequence[str]) -> dict[str, FloatArray]:
        """Unit float32 rows (dim,) of the pictures that are known, by the hash of their files."""
        found = await self._recall(self._embeddings, digests)
        return {digest: np.frombuffer(row, np.float32) for digest, row in found.items()}

    async def add_embeddings(self, rows: Mapping[str, FloatArray]) -> None:
        """Remember embeddings by the hash of their pictures' files."""
        entries = {digest: row.astype(np.float32).tobytes() for digest, row in rows.items()}
        await self._remember(self._embeddings, entries)

    async def seen(self, urls: Sequence[str]) -> dict[str, Seen]:
        """What these URLs answered last, where that is known."""
        return {url: _seen.decode(data) for url, data in (await self._recall(self._urls, urls)).items()}

    async def add_seen(self, seen: Mapping[str, Seen]) -> None:
        """Remember what URLs answered."""
        await self._remember(self._urls, {url: msgspec.msgpack.encode(one) for url, one in seen.items()})

    async def _recall(self, entries: BoundedMap, keys: Sequence[str]) -> dict[str, bytes]:
        if not keys or self._is_away():
            return {}
        try:
            return await entries.get(keys)
        except StoreUnavailable as error:
            self._note_away(error)
            return {}

    async def _remember(self, entries: BoundedMap, new: Mapping[str, bytes]) -> None:
        if not new or self._is_away():
            return
        try:
            await entries.put(new)
        except StoreUnavailable as error:
            self._note_away(error)

    def _is_away(self) -> bool:
        return time.monotonic() < self._away_until

    def _note_away(self, error: StoreUnavailable) -> None:
        # What may be forgotten is not worth waiting for with each batch.
        self._away_until = time.monotonic() + REST_S
        log.warning("picture_memory_unavailable", extra={"error": str(error)[:300]})


_seen = msgspec.msgpack.Decoder(Seen)
