"""A pipeline whose pictures come from a host, and that counts what is decoded and encoded."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from encoders.errors import InvalidImage
from encoders.port import Pixels
from encoders.processes.image_decoding import InProcessImageDecoder
from encoders.spec import split_parts
from streams.delivery.messages import Message
from streams.media.embedding_cache import EmbeddingCache
from streams.media.fetching import FetchLimits, MediaFetcher
from streams.media.pictures import PictureLoader
from tests.unit.streams.image_hosts import ImageHost
from tests.unit.streams.pipeline import Bench, picture

RED, BLUE = (base64.b64decode(picture(colour)) for colour in ("red", "blue"))


class CountingDecoder(InProcessImageDecoder):
    """Counts what it decodes, and may fail."""

    def __init__(self, preparer: Any) -> None:
        super().__init__(preparer)
        self.decoded = 0
        self.errors: list[Exception] = []

    async def decode(self, images: Sequence[bytes]) -> list[Pixels | InvalidImage]:
        if self.errors:
            raise self.errors.pop(0)
        self.decoded += len(images)
        return await super().decode(images)


class Shop:
    """A pipeline with an image host; a context manager."""

    def __init__(self, bench: Bench, host: ImageHost, fetcher: MediaFetcher) -> None:
        self.bench, self.host = bench, host
        self.decoder = CountingDecoder(bench.encoder.preparer)
        self._version = 0
        self._fetcher = fetcher
        self.use_cache(bench.cache)

    def use_cache(self, cache: EmbeddingCache) -> None:
        self.bench.use(pictures=PictureLoader(self.bench.incoming, self._fetcher, self.decoder, cache))

    def created(self, product_id: str, *images: str | bytes) -> Message:
        """A product with pictures: paths at the host, or files."""
        self._version += 1
        stated = [
            {"url": self.host.url + image} if isinstance(image, str) else {"data": base64.b64encode(image).decode()}
            for image in images
        ]
        return self.bench.kafka.message(
            {"product_id": product_id, "version": self._version, "title": "Kettle", "images": stated}
        )

    async def index(self, *messages: Message) -> None:
        await self.bench.index(*messages)

    async def image(self, product_id: str) -> np.ndarray:
        return split_parts(self.bench.encoder.spec, (await self.bench.store.read([product_id]))[product_id][1])[1]

    @property
    def work(self) -> tuple[int, int]:
        """Pictures decoded and encoded."""
        return self.decoder.decoded, self.bench.encoder.images


LIMITS = FetchLimits(max_bytes=100_000, timeout_s=10.0, attempts=1, private_hosts=("localhost",))
