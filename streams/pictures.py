"""Loading the pictures of a batch: each file fetched and decoded once, and only if its embedding is not known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from encoders.errors import InvalidImage
from encoders.port import ImageDecoder, Pixels
from encoders.spec import FloatArray
from indexer.media import MediaStore
from indexer.planning import image_key
from streams import metrics
from streams.errors import InvalidEvent, UnreachableMedia
from streams.fetching import Fetched, MediaFetcher
from streams.memories import PictureMemory, Seen
from streams.retrying import until_available

Reference = Mapping[str, Any]
"""A picture as a product states it: `{"hash": …}` in the media store, or `{"url": …}`."""


@dataclass(frozen=True, slots=True)
class LoadedPictures:
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
class LoadedBatch:
    """The pictures of a batch of products; a file that several have is there once."""

    products: Mapping[str, LoadedPictures]
    """By product id."""
    pixels: Mapping[str, Pixels]
    """Those that are still to be encoded, by the hash of their files."""
    embeddings: Mapping[str, FloatArray]
    """Unit rows (dim,) of the others."""


class PictureLoader:
    """Loads the pictures of a batch; one that fails does not hold back the others."""

    def __init__(self, media: MediaStore, fetcher: MediaFetcher, decoder: ImageDecoder, memory: PictureMemory) -> None:
        self._media = media
        self._fetcher = fetcher
        self._decoder = decoder
        self._memory = memory

    async def load(self, wanted: Mapping[str, Sequence[Reference]]) -> LoadedBatch:
        """Load the pictures that products want, by product id: find the files, look embeddings up, decode the rest."""
        references = {image_key(one): one for some in wanted.values() for one in some}
        fetched = await self._fetch([str(one["url"]) for one in references.values() if "hash" not in one])
        digests = {key: _digest(one, fetched) for key, one in references.items()}
        known = await self._memory.embeddings(sorted({one for one in digests.values() if isinstance(one, str)}))
        files = await self._files(digests, known, fetched)
        decoded = await self._decode({digest: one for digest, one in files.items() if isinstance(one, bytes)})
        outcomes = {key: _outcome(key, digest, known, files, decoded) for key, digest in digests.items()}
        _count_reused(outcomes[image_key(one)] for some in wanted.values() for one in some)
        pixels = {digest: one for digest, one in decoded.items() if not isinstance(one, InvalidImage)}
        products = {
            product_id: _loaded([image_key(one) for one in some], outcomes) for product_id, some in wanted.items()
        }
        return LoadedBatch(products, pixels, known)

    async def remember(self, embeddings: Mapping[str, FloatArray]) -> None:
        """Take note of embeddings that have just been made, by the hash of their pictures' files."""
        await self._memory.add_embeddings(embeddings)

    async def _fetch(self, urls: Sequence[str]) -> dict[str, Fetched | UnreachableMedia]:
        """Fetch addresses, asking only whether it has changed where what was there last is embedded already."""
        seen = await self._memory.seen(urls) if urls else {}
        embedded = await self._memory.embeddings([one.digest for one in seen.values()]) if seen else {}
        known = {url: one for url, one in seen.items() if one.digest in embedded}
        answers = await asyncio.gather(*(self._try(url, known.get(url)) for url in urls))
        fetched = dict(zip(urls, answers, strict=True))
        await self._memory.add_seen({url: one.seen for url, one in fetched.items() if isinstance(one, Fetched)})
        return fetched

    async def _try(self, url: str, known: Seen | None) -> Fetched | UnreachableMedia:
        try:
            return await self._fetcher.fetch(url, known)
        except UnreachableMedia as error:
            return error

    async def _files(
        self,
        digests: Mapping[str, str | UnreachableMedia],
        known: Mapping[str, FloatArray],
        fetched: Mapping[str, Fetched | UnreachableMedia],
    ) -> dict[str, bytes | UnreachableMedia]:
        """The files whose embeddings are not known, by their hashes."""
        at_hand = {one.seen.digest: one.data for one in fetched.values() if isinstance(one, Fetched) and one.data}
        needed = {digest for digest in digests.values() if isinstance(digest, str) and digest not in known}
        found = await asyncio.gather(*(self._file(digest, at_hand.get(digest)) for digest in needed))
        return dict(zip(needed, found, strict=True))

    async def _file(self, digest: str, at_hand: bytes | None) -> bytes | UnreachableMedia:
        if at_hand is not None:
            return at_hand
        data = await until_available("media", lambda: self._media.get(digest))
        return UnreachableMedia(f"{digest} is not in the media store") if data is None else data

    async def _decode(self, files: Mapping[str, bytes]) -> dict[str, Pixels | InvalidImage]:
        metrics.DECODED.inc(len(files))
        return dict(zip(files, await self._decoder.decode(list(files.values())), strict=True)) if files else {}


def _digest(reference: Reference, fetched: Mapping[str, Fetched | UnreachableMedia]) -> str | UnreachableMedia:
    if "hash" in reference:
        return str(reference["hash"])
    answer = fetched[str(reference["url"])]
    return answer.seen.digest if isinstance(answer, Fetched) else answer


def _outcome(
    key: str,
    digest: str | UnreachableMedia,
    known: Mapping[str, FloatArray],
    files: Mapping[str, bytes | UnreachableMedia],
    decoded: Mapping[str, Pixels | InvalidImage],
) -> str | InvalidEvent:
    """The hash of a picture's file, or what is wrong with the picture."""
    found = digest if isinstance(digest, UnreachableMedia) else files.get(digest)
    if isinstance(found, UnreachableMedia):
        return InvalidEvent("unreachable_image", str(found))
    assert isinstance(digest, str)
    picture = None if digest in known else decoded[digest]
    return InvalidEvent("invalid_image", f"{key[:200]}: {picture}") if isinstance(picture, InvalidImage) else digest


def _loaded(keys: Sequence[str], outcomes: Mapping[str, str | InvalidEvent]) -> LoadedPictures:
    faults = {key: one for key in keys if isinstance(one := outcomes[key], InvalidEvent)}
    loaded = [key for key in keys if key not in faults]
    return LoadedPictures(
        tuple(str(outcomes[key]) for key in loaded),
        tuple(loaded),
        tuple(key for key, fault in faults.items() if fault.reason == "invalid_image"),
        tuple(key for key, fault in faults.items() if fault.reason == "unreachable_image"),
        tuple(faults.values()),
    )


def _count_reused(outcomes: Iterable[str | InvalidEvent]) -> None:
    """Count the pictures beyond the first that share a file within the batch."""
    files = [one for one in outcomes if isinstance(one, str)]
    metrics.REUSED.labels("image", "batch").inc(len(files) - len(set(files)))
