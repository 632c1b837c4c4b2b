"""Loading a product's pictures: from the media store or over HTTP, decoded and sized for the encoder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from encoders.errors import InvalidImage
from encoders.port import ImageDecoder, Pixels
from indexer.media import MediaStore
from indexer.planning import image_key
from streams.errors import InvalidEvent, UnreachableMedia
from streams.fetching import MediaFetcher


@dataclass(frozen=True, slots=True)
class LoadedPictures:
    """What came of loading a product's pictures, in their order."""

    pixels: tuple[Pixels, ...]
    keys: tuple[str, ...]
    """Of the pictures that were loaded."""
    broken: tuple[str, ...]
    """Keys of those that can never be loaded."""
    unreachable: tuple[str, ...]
    """Keys of those that may be loaded another time."""
    faults: tuple[InvalidEvent, ...]
    """Why, one for each that failed."""


class PictureLoader:
    """Loads pictures."""

    def __init__(self, media: MediaStore, fetcher: MediaFetcher, decoder: ImageDecoder) -> None:
        self._media = media
        self._fetcher = fetcher
        self._decoder = decoder

    async def load(self, references: Sequence[Mapping[str, Any]]) -> LoadedPictures:
        """Load all of a product's pictures; one that fails does not hold back the others."""
        results = await asyncio.gather(*(self._try(one) for one in references))
        pixels: list[Pixels] = []
        keys: dict[str, list[str]] = {"loaded": [], "invalid_image": [], "unreachable_image": []}
        faults: list[InvalidEvent] = []
        for reference, result in zip(references, results, strict=True):
            if isinstance(result, InvalidEvent):
                faults.append(result)
                keys[result.reason].append(image_key(reference))
            else:
                pixels.append(result)
                keys["loaded"].append(image_key(reference))
        return LoadedPictures(
            tuple(pixels),
            tuple(keys["loaded"]),
            tuple(keys["invalid_image"]),
            tuple(keys["unreachable_image"]),
            tuple(faults),
        )

    async def _try(self, reference: Mapping[str, Any]) -> Pixels | InvalidEvent:
        try:
            data = await self._bytes(reference)
            (decoded,) = await self._decoder.decode([data])
            if isinstance(decoded, InvalidImage):
                return InvalidEvent("invalid_image", f"{image_key(reference)[:200]}: {decoded}")
            return decoded
        except UnreachableMedia as error:
            return InvalidEvent("unreachable_image", str(error))

    async def _bytes(self, reference: Mapping[str, Any]) -> bytes:
        if "hash" not in reference:
            return await self._fetcher.fetch(str(reference["url"]))
        data = await self._media.get(str(reference["hash"]))
        if data is None:
            raise UnreachableMedia(f"{reference['hash']} is not in the media store")
        return data
