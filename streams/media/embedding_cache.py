"""The embedding cache: embeddings by file and files by address, so that no picture is fetched or encoded twice."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from encoders.spec import FloatArray
from indexer.errors import StoreUnavailable
from indexer.media.keys import MediaKey
from indexer.redis.bounded_map import BoundedMap
from streams import metrics

COOLDOWN_S = 2.0
"""For how long a store that did not answer is not asked again."""
MAX_VALIDATOR_CHARS = 256
"""Longer validators are not kept: hosts choose them, and they say no more than a hash does."""

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
    """Embeddings of pictures and clips by their files, and files by address; while its store is away, it holds nothing.

    Not durable, and need not be: what is forgotten is fetched and encoded again.
    """

    def __init__(self, embeddings: BoundedMap, urls: BoundedMap, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: embeddings: of this encoder version alone; urls: of any; clock: in seconds, never set back."""
        self._embeddings = embeddings
        self._urls = urls
        self._clock = clock
        self._is_away = False
        self._cooldown_until = float("-inf")

    async def get_embeddings(self, files: Sequence[MediaKey]) -> dict[MediaKey, FloatArray]:
        """Unit float32 rows (dim,) of the files that are known."""
        names = {file.stored_form: file for file in files}
        rows = await self._get(self._embeddings, list(names))
        metrics.EMBEDDING_CACHE_LOOKUPS.labels("image", "hit").inc(len(rows))
        metrics.EMBEDDING_CACHE_LOOKUPS.labels("image", "miss").inc(len(files) - len(rows))
        return {names[name]: np.frombuffer(row, np.float32) for name, row in rows.items()}

    async def put_embeddings(self, rows: Mapping[MediaKey, FloatArray]) -> None:
        """Keep the unit rows (dim,) of files."""
        entries = {file.stored_form: row.astype(np.float32).tobytes() for file, row in rows.items()}
        await self._put(self._embeddings, entries)

    async def get_file_versions(self, addresses: Sequence[MediaKey]) -> dict[MediaKey, FileVersion]:
        """What these addresses answered last, where that is known."""
        names = {_address_name(key): key for key in addresses}
        entries = await self._get(self._urls, list(names))
        return {names[name]: _decode_version(data) for name, data in entries.items()}

    async def put_file_versions(self, versions: Mapping[MediaKey, FileVersion]) -> None:
        """Keep what addresses answered, where it helps the next time."""
        useful = {key: version for key, version in versions.items() if version.can_be_revalidated}
        await self._put(self._urls, {_address_name(key): _encode_version(key, useful[key]) for key in useful})

    async def _get(self, entries: BoundedMap, keys: Sequence[str]) -> dict[str, bytes]:
        if not keys or self._is_cooling_down():
            return {}
        try:
            values = await entries.get(keys)
        except StoreUnavailable as error:
            self._note_away(error)
            return {}
        self._is_away = False
        return values

    async def _put(self, entries: BoundedMap, new: Mapping[str, bytes]) -> None:
        if not new or self._is_cooling_down():
            return
        try:
            await entries.put(new)
        except StoreUnavailable as error:
            self._note_away(error)

    def _is_cooling_down(self) -> bool:
        return self._is_away and self._clock() < self._cooldown_until

    def _note_away(self, error: StoreUnavailable) -> None:
        # What may be forgotten is not worth waiting for with each batch.
        self._cooldown_until = self._clock() + COOLDOWN_S
        if not self._is_away:
            log.warning("picture_memory_unavailable", extra={"error": str(error)[:300]})
        self._is_away = True


def _address_name(key: MediaKey) -> str:
    # Addresses are long, and may hold secrets.
    return hashlib.sha256(key.stored_form.encode(errors="surrogatepass")).hexdigest()[:32]


def _encode_version(key: MediaKey, version: FileVersion) -> bytes:
    return msgspec.msgpack.encode(msgspec.structs.replace(version, digest=key.file(version.digest).stored_form))


def _decode_version(data: bytes) -> FileVersion:
    version = _versions.decode(data)
    return msgspec.structs.replace(version, digest=MediaKey.parse_file(version.digest).digest)


_versions = msgspec.msgpack.Decoder(FileVersion)
