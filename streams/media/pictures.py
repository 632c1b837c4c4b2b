"""Loading the pictures and clips of a batch: each file fetched and decoded once, if its embedding is not known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from encoders.errors import InvalidImage, InvalidVideo
from encoders.port import ImageDecoder, Pixels
from encoders.processes.media_decoding import MediaDecoder
from encoders.spec import FloatArray, pool_vectors
from indexer.media_store import MediaStore
from indexer.planning import CLIP_KEY_PREFIX, media_key
from streams import metrics
from streams.delivery.availability import until_available
from streams.delivery.worker_processes import until_process_answers
from streams.errors import InvalidEvent, UnreachableMedia
from streams.media.embedding_cache import EmbeddingCache, FileVersion
from streams.media.fetching import MediaFetcher, redacted_url

MediaReference = Mapping[str, Any]
"""A picture as a product states it: `{"hash": …}` in the media store, or `{"url": …}`."""


Decoded = Pixels | list[Pixels] | InvalidImage | InvalidVideo
"""A picture, a clip's frames, or why there are none."""


@dataclass(frozen=True, slots=True)
class ProductPictures:
    """What came of loading a product's pictures, in their order."""

    digests: tuple[str, ...]
    """Hashes of the files of those that were loaded."""
    keys: tuple[str, ...]
    """Of those that were loaded."""
    broken: tuple[str, ...]
    """Keys of those that cannot be decoded."""
    unreachable: tuple[str, ...]
    """Keys of those that may be loaded another time."""
    faults: tuple[InvalidEvent, ...]
    """Why, one for each that failed."""


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """The pictures of a batch of products; a file that several have is there once."""

    products: Mapping[str, ProductPictures]
    """By product id."""
    pixels: Mapping[str, Pixels]
    """Those that are still to be encoded, by the hash of their files; of clips their frames, by `clips`."""
    embeddings: Mapping[str, FloatArray]
    """Unit rows (dim,) of the others."""
    clips: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Clips that are still to be encoded: the names of their frames among `pixels`."""

    def pool_frames(self, rows: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Rows (dim,) of all `pixels` as one for each file: a clip's is the mean of its frames."""
        frames = {name for names in self.clips.values() for name in names}
        pictures = {name: row for name, row in rows.items() if name not in frames}
        clips = {
            clip: pool_vectors(np.stack([rows[name] for name in names]), first_weight=1.0)
            for clip, names in self.clips.items()
        }
        return pictures | clips


@dataclass(slots=True)
class _FileStates:
    """What is known of the files of a batch so far, by their hashes."""

    embeddings: dict[str, FloatArray]
    decoded: dict[str, Decoded] = field(default_factory=dict)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    def is_settled(self, digest: str) -> bool:
        """Whether nothing is left to do for a file."""
        return digest in self.embeddings or digest in self.decoded

    @asynccontextmanager
    async def locked(self, digests: Iterable[str]) -> AsyncIterator[None]:
        """Lock files, so that one which is in the store and at several addresses is decoded once."""
        async with AsyncExitStack() as held:
            # In one order, so that no two wait for each other.
            for digest in sorted(digests):
                await held.enter_async_context(self.locks.setdefault(digest, asyncio.Lock()))
            yield


class PictureLoader:
    """Loads the pictures of a batch; one that fails does not hold back the others."""

    def __init__(
        self,
        media: MediaStore,
        fetcher: MediaFetcher,
        decoder: ImageDecoder,
        memory: EmbeddingCache,
        media_decoder: MediaDecoder | None = None,
    ) -> None:
        """Args: media_decoder: of clips; None: they are all broken."""
        self._media = media
        self._media_decoder = media_decoder
        self._fetcher = fetcher
        self._decoder = decoder
        self._cache = memory

    async def load(self, wanted: Mapping[str, Sequence[MediaReference]]) -> PictureBatch:
        """Load the pictures that products want, by product id: find the files, look embeddings up, decode the rest."""
        references = {media_key(one): one for some in wanted.values() for one in some}
        stored = {key for key, one in references.items() if "hash" in one}
        urls = [key for key in references if key not in stored]
        seen = await self._cache.get_file_versions(urls)
        findings = _FileStates(await self._cache.get_embeddings([*{*stored, *(one.digest for one in seen.values())}]))
        missing, digests = await asyncio.gather(
            self._from_store(stored, findings), self._from_hosts(urls, seen, findings)
        )
        files = {key: missing.get(key, key) for key in stored} | digests
        outcomes = {key: _outcome(key, file, findings) for key, file in files.items()}
        _count_reused(outcomes[media_key(one)] for some in wanted.values() for one in some)
        return _batch(wanted, outcomes, findings)

    async def cache_embeddings(self, embeddings: Mapping[str, FloatArray]) -> None:
        """Take note of embeddings that have just been made, by the hash of their pictures' files."""
        await self._cache.put_embeddings(embeddings)

    async def _from_store(self, digests: Iterable[str], findings: _FileStates) -> dict[str, UnreachableMedia]:
        """Decode the stored files whose embeddings are not known, and return those that are not there."""
        needed = [one for one in digests if not findings.is_settled(one)]
        found = dict(zip(needed, await asyncio.gather(*map(self._read_stored, needed)), strict=True))
        stored = {digest: data for digest, data in found.items() if data is not None}
        async with findings.locked(stored):
            unsettled = {digest: data for digest, data in stored.items() if not findings.is_settled(digest)}
            await self._decode(unsettled, findings)
        return {
            digest: UnreachableMedia(f"{digest} is not in the media store")
            for digest, data in found.items()
            if data is None
        }

    async def _read_stored(self, digest: str) -> bytes | None:
        return await until_available("media", lambda: self._media.get(digest.removeprefix(CLIP_KEY_PREFIX)))

    async def _from_hosts(
        self, urls: Sequence[str], seen: Mapping[str, FileVersion], findings: _FileStates
    ) -> dict[str, str | UnreachableMedia]:
        """Fetch addresses and decode what is new there; returns the hash of each one's file, or why there is none."""
        # Hosts are asked whether a file has changed only where nothing is left to do if it has not.
        known = {url: one for url, one in seen.items() if one.digest in findings.embeddings}
        answers = await asyncio.gather(*(self._fetch(url, known.get(url), findings) for url in urls))
        fetched = dict(zip(urls, answers, strict=True))
        await self._cache.put_file_versions({url: one for url, one in fetched.items() if isinstance(one, FileVersion)})
        return {url: one.digest if isinstance(one, FileVersion) else one for url, one in fetched.items()}

    async def _fetch(
        self, url: str, known: FileVersion | None, findings: _FileStates
    ) -> FileVersion | UnreachableMedia:
        try:
            # Decoded before the next is fetched: the files of a whole batch may be more than memory holds.
            async with self._fetcher.fetch(url.removeprefix(CLIP_KEY_PREFIX), known) as fetched:
                if fetched.data is None:
                    return fetched.version
                seen = _with_kind(fetched.version, is_clip=url.startswith(CLIP_KEY_PREFIX))
                await self._find_or_decode(seen.digest, fetched.data, findings)
                return seen
        except UnreachableMedia as error:
            return error

    async def _find_or_decode(self, digest: str, data: bytes, findings: _FileStates) -> None:
        """Find a file's embedding or decode it."""
        async with findings.locked([digest]):
            if not findings.is_settled(digest):
                findings.embeddings |= await self._cache.get_embeddings([digest])
            if not findings.is_settled(digest):
                await self._decode({digest: data}, findings)

    async def _decode(self, files: Mapping[str, bytes], findings: _FileStates) -> None:
        pictures = {digest: data for digest, data in files.items() if not digest.startswith(CLIP_KEY_PREFIX)}
        if pictures:
            decoded = await until_process_answers("decoder", lambda: self._decoder.decode(list(pictures.values())))
            metrics.DECODED_IMAGES.inc(len(pictures))
            findings.decoded |= zip(pictures, decoded, strict=True)
        for digest in files.keys() - pictures.keys():
            findings.decoded[digest] = await self._frames(files[digest])

    async def _frames(self, data: bytes) -> list[Pixels] | InvalidVideo:
        decoder = self._media_decoder
        if decoder is None:
            return InvalidVideo("this worker looks at no clips")
        frames = await until_process_answers("media decoder", lambda: decoder.frames(data))
        metrics.DECODED_CLIPS.labels("video").inc()
        return frames


def _outcome(key: str, file: str | UnreachableMedia, findings: _FileStates) -> str | InvalidEvent:
    """The hash of a picture's file, or what is wrong with the picture."""
    is_clip = key.startswith(CLIP_KEY_PREFIX)
    if isinstance(file, UnreachableMedia):
        return InvalidEvent("unreachable_video" if is_clip else "unreachable_image", str(file))
    picture = findings.decoded.get(file)
    if isinstance(picture, InvalidImage | InvalidVideo):
        reason = "invalid_video" if is_clip else "invalid_image"
        return InvalidEvent(reason, f"{redacted_url(key.removeprefix(CLIP_KEY_PREFIX))}: {picture}")
    return file


def _with_kind(seen: FileVersion, is_clip: bool) -> FileVersion:
    return msgspec.structs.replace(seen, digest=CLIP_KEY_PREFIX + seen.digest) if is_clip else seen


def _batch(
    wanted: Mapping[str, Sequence[MediaReference]], outcomes: Mapping[str, str | InvalidEvent], findings: _FileStates
) -> PictureBatch:
    products = {
        product_id: _product_pictures([media_key(one) for one in some], outcomes) for product_id, some in wanted.items()
    }
    used = {digest for one in products.values() for digest in one.digests}
    fresh = {digest: one for digest, one in findings.decoded.items() if digest not in findings.embeddings}
    clips = {digest: _frames_by_name(digest, one) for digest, one in fresh.items() if isinstance(one, list)}
    return PictureBatch(
        products,
        {digest: one for digest, one in fresh.items() if isinstance(one, np.ndarray)}
        | {name: frame for frames in clips.values() for name, frame in frames.items()},
        {digest: one for digest, one in findings.embeddings.items() if digest in used},
        {digest: tuple(frames) for digest, frames in clips.items()},
    )


def _frames_by_name(clip: str, frames: Sequence[Pixels]) -> dict[str, Pixels]:
    return {f"{clip}#{at}": frame for at, frame in enumerate(frames)}


def _product_pictures(keys: Sequence[str], outcomes: Mapping[str, str | InvalidEvent]) -> ProductPictures:
    faults = {key: one for key in keys if isinstance(one := outcomes[key], InvalidEvent)}
    loaded = [key for key in keys if key not in faults]
    return ProductPictures(
        tuple(str(outcomes[key]) for key in loaded),
        tuple(loaded),
        tuple(key for key, fault in faults.items() if fault.reason.startswith("invalid")),
        tuple(key for key, fault in faults.items() if fault.reason.startswith("unreachable")),
        tuple(faults.values()),
    )


def _count_reused(outcomes: Iterable[str | InvalidEvent]) -> None:
    """Count the pictures beyond the first that share a file within the batch."""
    files = [one for one in outcomes if isinstance(one, str)]
    metrics.REUSED_EMBEDDINGS.labels("image", "batch").inc(len(files) - len(set(files)))
