"""What is remembered of pictures, so that none is fetched or encoded twice: embeddings by content, content by URL."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from encoders.spec import FloatArray
from indexer.errors import StoreUnavailable
from indexer.redis.bounded_map import BoundedMap
from streams import metrics

COOLDOWN_S = 2.0
"""How long a store that did not answer is not asked again."""
MAX_VALIDATOR_CHARS = 256
"""More is not remembered: hosts choose what they say, and it says no more than a hash does."""

log = logging.getLogger(__name__)


class FileVersion(msgspec.Struct, frozen=True, array_like=True):
    """What a URL answered last."""

    digest: str
    """SHA-256 of the file, in hex."""
    etag: str = ""
    last_modified: str = ""

    @property
    def can_be_revalidated(self) -> bool:
        """Whether its host can be asked if this is still there, in its own words sent back as they came."""
        words = self.etag + self.last_modified
        return 0 < len(words) <= MAX_VALIDATOR_CHARS and words.isascii() and words.isprintable()


class EmbeddingCache:
    """Embeddings of pictures by the hash of their files, and files by URL; a store that is away remembers nothing.

    Not durable, and need not be: what is forgotten is fetched and encoded again.
    """

    def __init__(self, embeddings: BoundedMap, urls: BoundedMap) -> None:
        """Args: embeddings: of this encoder version alone; urls: of any."""
        self._embeddings = embeddings
        self._urls = urls
        self._is_away = False
        self._cooldown_until = float("-inf")

    async def get_embeddings(self, digests: Sequence[str]) -> dict[str, FloatArray]:
        """Unit float32 rows (dim,) of the pictures that are known, by the hash of their files."""
        found = await self._get(self._embeddings, digests)
        metrics.EMBEDDING_CACHE_LOOKUPS.labels("image", "hit").inc(len(found))
        metrics.EMBEDDING_CACHE_LOOKUPS.labels("image", "miss").inc(len(digests) - len(found))
        return {digest: np.frombuffer(row, np.float32) for digest, row in found.items()}

    async def put_embeddings(self, rows: Mapping[str, FloatArray]) -> None:
        """Remember embeddings by the hash of their pictures' files."""
        entries = {digest: row.astype(np.float32).tobytes() for digest, row in rows.items()}
        await self._put(self._embeddings, entries)

    async def get_file_versions(self, urls: Sequence[str]) -> dict[str, FileVersion]:
        """What these URLs answered last, where that is known."""
        names = {_name(url): url for url in urls}
        found = await self._get(self._urls, list(names))
        return {names[name]: _seen.decode(data) for name, data in found.items()}

    async def put_file_versions(self, seen: Mapping[str, FileVersion]) -> None:
        """Remember what URLs answered, where it helps the next time."""
        useful = {_name(url): one for url, one in seen.items() if one.can_be_revalidated}
        await self._put(self._urls, {name: msgspec.msgpack.encode(one) for name, one in useful.items()})

    async def _get(self, entries: BoundedMap, keys: Sequence[str]) -> dict[str, bytes]:
        if not keys or self._is_cooling_down():
            return {}
        try:
            found = await entries.get(keys)
        except StoreUnavailable as error:
            self._note_away(error)
            return {}
        self._is_away = False
        return found

    async def _put(self, entries: BoundedMap, new: Mapping[str, bytes]) -> None:
        if not new or self._is_cooling_down():
            return
        try:
            await entries.put(new)
        except StoreUnavailable as error:
            self._note_away(error)

    def _is_cooling_down(self) -> bool:
        return self._is_away and time.monotonic() < self._cooldown_until

    def _note_away(self, error: StoreUnavailable) -> None:
        # What may be forgotten is not worth waiting for with each batch.
        self._cooldown_until = time.monotonic() + COOLDOWN_S
        if not self._is_away:
            log.warning("picture_memory_unavailable", extra={"error": str(error)[:300]})
        self._is_away = True


def _name(url: str) -> str:
    # Addresses are long, and may hold secrets.
    return hashlib.sha256(url.encode(errors="surrogatepass")).hexdigest()[:32]


_seen = msgspec.msgpack.Decoder(FileVersion)
