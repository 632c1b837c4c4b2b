"""Loading the pictures and clips of a batch: each file fetched and decoded once, if its embedding is not known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from encoders.errors import InvalidImage, InvalidVideo
from encoders.port import ImageDecoder, Pixels
from encoders.processes.media_decoding import MediaDecoder
from encoders.spec import FloatArray
from indexer.media.keys import MediaKey
from indexer.media.store import MediaStore
from streams import metrics
from streams.delivery.availability import until_available, until_process_answers
from streams.errors import InvalidEvent, UnreachableMedia
from streams.media.embedding_cache import EmbeddingCache, FileVersion
from streams.media.faults import display_name, invalid_media, unreachable_media
from streams.media.fetching import MediaFetcher
from streams.media.picture_batch import Outcome, PictureBatch, ProductPictures

Decoded = Sequence[Pixels] | InvalidImage | InvalidVideo
"""A picture as a sequence of one, a clip's frames, or why there are none."""


@dataclass(slots=True)
class _FileStates:
    """What is known of the files of a batch so far."""

    embeddings: dict[MediaKey, FloatArray]
    decoded: dict[MediaKey, Decoded] = field(default_factory=dict[MediaKey, Decoded])
    locks: dict[MediaKey, asyncio.Lock] = field(default_factory=dict[MediaKey, asyncio.Lock])

    def is_settled(self, file: MediaKey) -> bool:
        """Whether nothing is left to do for a file."""
        return file in self.embeddings or file in self.decoded

    @asynccontextmanager
    async def locked(self, files: Iterable[MediaKey]) -> AsyncGenerator[None]:
        """Lock files, so that one which is in the store and at several addresses is decoded once."""
        async with AsyncExitStack() as held:
            # In one order, so that no two wait for each other.
            for file in sorted(files, key=lambda file: file.stored_form):
                await held.enter_async_context(self.locks.setdefault(file, asyncio.Lock()))
            yield


class PictureLoader:
    """Loads the pictures and clips of a batch; one that fails does not hold back the others."""

    def __init__(
        self,
        media: MediaStore,
        fetcher: MediaFetcher,
        decoder: ImageDecoder,
        cache: EmbeddingCache,
        media_decoder: MediaDecoder | None = None,
    ) -> None:
        """Args: media_decoder: of clips; None: they are all broken."""
        self._media = media
        self._fetcher = fetcher
        self._decoder = decoder
        self._cache = cache
        self._media_decoder = media_decoder

    async def load(self, wanted: Mapping[str, Sequence[MediaKey]]) -> PictureBatch:
        """Load the pictures and clips that products want: find the files, look embeddings up, decode the rest.

        Args:
            wanted: pictures and clips by product id.
        """
        keys = dict.fromkeys(key for product_keys in wanted.values() for key in product_keys)
        stored = [key for key in keys if key.is_stored]
        addresses = [key for key in keys if not key.is_stored]
        versions = await self._cache.get_file_versions(addresses)
        known_files = {*stored, *(key.file(version.digest) for key, version in versions.items())}
        states = _FileStates(await self._cache.get_embeddings([*known_files]))
        missing, fetched = await asyncio.gather(
            self._from_store(stored, states), self._from_hosts(addresses, versions, states)
        )
        files = {key: missing.get(key, key) for key in stored} | fetched
        outcomes = {key: _outcome(key, file, states) for key, file in files.items()}
        _count_reused(outcomes[key] for product_keys in wanted.values() for key in product_keys)
        return _picture_batch(wanted, outcomes, states)

    async def absent(self, files: Iterable[MediaKey]) -> frozenset[str]:
        """Stored forms of those files that are not in the media store any more."""
        return frozenset([file.stored_form for file in files if await self._read_stored(file) is None])

    async def cache_embeddings(self, embeddings: Mapping[MediaKey, FloatArray]) -> None:
        """Keep new embeddings, unit rows (dim,) float32 by file, for the batches to come."""
        await self._cache.put_embeddings(embeddings)

    async def _from_store(self, files: Iterable[MediaKey], states: _FileStates) -> dict[MediaKey, UnreachableMedia]:
        """Decode the stored files whose embeddings are not known, and return those that are not there."""
        needed = [file for file in files if not states.is_settled(file)]
        contents = dict(zip(needed, await asyncio.gather(*map(self._read_stored, needed)), strict=True))
        stored = {file: data for file, data in contents.items() if data is not None}
        async with states.locked(stored):
            unsettled = {file: data for file, data in stored.items() if not states.is_settled(file)}
            await self._decode(unsettled, states)
        return {
            file: UnreachableMedia(f"{file.stored_form} is not in the media store")
            for file, data in contents.items()
            if data is None
        }

    async def _read_stored(self, file: MediaKey) -> bytes | None:
        return await until_available("media", lambda: self._media.get(file.digest))

    async def _from_hosts(
        self, addresses: Sequence[MediaKey], versions: Mapping[MediaKey, FileVersion], states: _FileStates
    ) -> dict[MediaKey, MediaKey | UnreachableMedia]:
        """Fetch addresses and decode what is new there; returns the file of each, or why there is none."""
        # Hosts are asked whether a file has changed only where nothing is left to do if it has not.
        known = {key: version for key, version in versions.items() if key.file(version.digest) in states.embeddings}
        answers = await asyncio.gather(*(self._fetch(key, known.get(key), states) for key in addresses))
        fetched = dict(zip(addresses, answers, strict=True))
        await self._cache.put_file_versions(
            {key: version for key, version in fetched.items() if isinstance(version, FileVersion)}
        )
        return {
            key: key.file(answer.digest) if isinstance(answer, FileVersion) else answer
            for key, answer in fetched.items()
        }

    async def _fetch(
        self, key: MediaKey, known: FileVersion | None, states: _FileStates
    ) -> FileVersion | UnreachableMedia:
        try:
            # Decoded before the next is fetched: the files of a whole batch may be more than memory holds.
            async with self._fetcher.fetch(key.url, known) as fetched:
                if fetched.data is not None:
                    await self._find_or_decode(key.file(fetched.version.digest), fetched.data, states)
                return fetched.version
        except UnreachableMedia as error:
            return error

    async def _find_or_decode(self, file: MediaKey, data: bytes, states: _FileStates) -> None:
        """Find a file's embedding or decode it."""
        async with states.locked([file]):
            if not states.is_settled(file):
                states.embeddings |= await self._cache.get_embeddings([file])
            if not states.is_settled(file):
                await self._decode({file: data}, states)

    async def _decode(self, files: Mapping[MediaKey, bytes], states: _FileStates) -> None:
        pictures = {file: data for file, data in files.items() if file.kind == "image"}
        if pictures:
            decoded = await until_process_answers("decoder", lambda: self._decoder.decode(list(pictures.values())))
            metrics.DECODED_IMAGES.inc(len(pictures))
            for file, picture in zip(pictures, decoded, strict=True):
                states.decoded[file] = [picture] if isinstance(picture, np.ndarray) else picture
        for file in files.keys() - pictures.keys():
            states.decoded[file] = await self._decode_clip(files[file])

    async def _decode_clip(self, data: bytes) -> list[Pixels] | InvalidVideo:
        decoder = self._media_decoder
        if decoder is None:
            return InvalidVideo("this worker looks at no clips")
        frames = await until_process_answers("media decoder", lambda: decoder.frames(data))
        metrics.DECODED_CLIPS.labels("video").inc()
        return frames


def _outcome(key: MediaKey, file: MediaKey | UnreachableMedia, states: _FileStates) -> Outcome:
    """The file of a picture or clip, or what is wrong with it."""
    if isinstance(file, UnreachableMedia):
        return unreachable_media(key, str(file))
    decoded = states.decoded.get(file)
    if isinstance(decoded, InvalidImage | InvalidVideo):
        return invalid_media(key, f"{display_name(key)}: {decoded}")
    return file


def _picture_batch(
    wanted: Mapping[str, Sequence[MediaKey]], outcomes: Mapping[MediaKey, Outcome], states: _FileStates
) -> PictureBatch:
    products = {product_id: ProductPictures.from_outcomes(keys, outcomes) for product_id, keys in wanted.items()}
    used = {file for pictures in products.values() for file in pictures.files}
    return PictureBatch(
        products,
        {
            file: decoded
            for file, decoded in states.decoded.items()
            if file not in states.embeddings and not isinstance(decoded, InvalidImage | InvalidVideo)
        },
        {file: row for file, row in states.embeddings.items() if file in used},
    )


def _count_reused(outcomes: Iterable[Outcome]) -> None:
    """Count the pictures beyond the first that share a file within the batch."""
    files = [outcome for outcome in outcomes if not isinstance(outcome, InvalidEvent)]
    metrics.REUSED_EMBEDDINGS.labels("image", "batch").inc(len(files) - len(set(files)))
