"""Media of batches under way: touched every few minutes, so that collection does not take them for leftovers."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager

from indexer.errors import StoreUnavailable
from indexer.media.keys import stored_media
from indexer.media.store import MediaStore
from streams.products.ingest import IngestedEvent

log = logging.getLogger(__name__)

TOUCH_S = 600.0
"""Much less than the least time that a file is kept after it was touched, `indexer.media.collection.MIN_GRACE_S`."""


def stored_digests(events: Iterable[IngestedEvent]) -> list[str]:
    """The hashes by which events refer to files of the media store."""
    return [key.digest for event in events for key in stored_media(event.change.fields)]


class MediaInUse:
    """The media of events whose rows are not written yet, however long a server is away."""

    def __init__(self, media: MediaStore, touch_s: float = TOUCH_S) -> None:
        """Args: touch_s: how often they are touched."""
        self._media = media
        self._touch_s = touch_s
        self._held: Counter[str] = Counter()

    @contextmanager
    def hold(self, events: Iterable[IngestedEvent]) -> Generator[None]:
        """Hold the media that events refer to, until their rows are written or left to another worker."""
        digests = stored_digests(events)
        self._held.update(digests)
        try:
            yield
        finally:
            self._held -= Counter(digests)

    async def run(self) -> None:
        """Touch what is held, until cancelled."""
        while True:
            await asyncio.sleep(self._touch_s)
            try:
                await self._media.touch(list(self._held))
            except StoreUnavailable as error:
                log.warning("media_not_touched", extra={"files": len(self._held), "error": str(error)[:300]})
