"""What products' sounds say: each file listened to once, and no batch held up for long."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from encoders.errors import EncoderError, InvalidAudio
from encoders.processes.media_decoding import MediaDecoder
from encoders.speech.port import Recogniser
from indexer.errors import StoreUnavailable
from indexer.media_store import MediaStore, media_hash
from indexer.planning import media_key
from indexer.redis.bounded_map import BoundedMap
from streams import metrics
from streams.delivery.availability import until_available
from streams.errors import InvalidEvent, UnreachableMedia
from streams.media.fetching import MediaFetcher, redacted_url

BATCH_WAIT_S = 5.0
"""How long a batch waits for its sounds; a product whose sounds take longer is indexed without, and tried again."""
MAX_IN_PROGRESS = 64
"""Files that are listened to, or wait for it, at once; more are tried again later."""
MAX_TRANSCRIPT_CHARS = 1_000
"""Characters of what a sound says that are kept."""

MediaReference = Mapping[str, Any]
"""A sound as a product states it: `{"hash": …}` in the media store, or `{"url": …}`."""


@dataclass(frozen=True, slots=True)
class ProductTranscripts:
    """What came of listening to a product's sounds."""

    transcripts: Mapping[str, str]
    """What they say, by their keys; empty: nothing that is understood, or the file is no sound."""
    faults: Sequence[InvalidEvent]
    """Of those that are broken, or not listened to yet."""


class AudioTranscriber:
    """Listens to products' sounds; an async context manager.

    What takes too long for one batch goes on, and is known when the product is tried again.
    """

    def __init__(
        self,
        media: MediaStore,
        fetcher: MediaFetcher,
        decoder: MediaDecoder,
        recogniser: Recogniser,
        memory: BoundedMap,
        max_seconds: float,
        patience_s: float = BATCH_WAIT_S,
    ) -> None:
        """Args: memory: transcripts by the hash of their files, of this recogniser alone; max_seconds: of a sound."""
        self._media = media
        self._fetcher = fetcher
        self._decoder = decoder
        self._recogniser = recogniser
        self._cache = memory
        self._max_seconds = max_seconds
        self._patience_s = patience_s
        self._in_progress: dict[str, asyncio.Task[str]] = {}

    async def __aenter__(self) -> AudioTranscriber:
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = list(self._in_progress.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def transcribe(self, wanted: Mapping[str, Sequence[MediaReference]]) -> dict[str, ProductTranscripts]:
        """What the sounds of products say, by product id."""
        references = {media_key(one): one for some in wanted.values() for one in some}
        outcomes = dict(zip(references, await asyncio.gather(*map(self._outcome, references.values())), strict=True))
        return {
            product_id: _product_transcripts([media_key(one) for one in some], outcomes)
            for product_id, some in wanted.items()
        }

    async def _outcome(self, reference: MediaReference) -> str | InvalidEvent:
        """A transcript, or what is wrong."""
        key = media_key(reference)
        task = self._in_progress.get(key)
        if task is None:
            if len(self._in_progress) >= MAX_IN_PROGRESS:
                return InvalidEvent("unreachable_audio", f"{redacted_url(key)}: others are listened to first")
            task = self._in_progress[key] = asyncio.create_task(self._transcript(reference))
            task.add_done_callback(lambda done: self._finished(key, done))
        try:
            async with asyncio.timeout(self._patience_s):
                return await asyncio.shield(task)
        except TimeoutError:
            return InvalidEvent("unreachable_audio", f"{redacted_url(key)}: it is still listened to")
        except InvalidAudio as error:
            return InvalidEvent("invalid_audio", f"{redacted_url(key)}: {error}")
        except (UnreachableMedia, EncoderError) as error:
            return InvalidEvent("unreachable_audio", f"{redacted_url(key)}: {error}")

    def _finished(self, key: str, task: asyncio.Task[str]) -> None:
        self._in_progress.pop(key, None)
        if not task.cancelled():
            # Whoever waits for it hears of it; nobody else needs to.
            task.exception()

    async def _transcript(self, reference: MediaReference) -> str:
        if "hash" not in reference:
            async with self._fetcher.fetch(reference["url"]) as fetched:
                return await self._transcribe_file(fetched.version.digest, fetched.data or b"")
        digest = reference["hash"]
        if (known := await self._cached_transcript(digest)) is not None:
            return known
        data = await until_available("media", lambda: self._media.get(digest))
        if data is None:
            raise UnreachableMedia(f"{digest} is not in the media store")
        return await self._transcribe_file(media_hash(data), data)

    async def _transcribe_file(self, digest: str, data: bytes) -> str:
        if (known := await self._cached_transcript(digest)) is not None:
            return known
        samples = await self._decoder.sound(data, self._max_seconds)
        metrics.DECODED_CLIPS.labels("audio").inc()
        if isinstance(samples, InvalidAudio):
            raise samples
        text = (await self._recogniser.transcribe(samples)).text[:MAX_TRANSCRIPT_CHARS]
        await self._cache_transcript(digest, text)
        return text

    async def _cached_transcript(self, digest: str) -> str | None:
        try:
            found = (await self._cache.get([digest])).get(digest)
        except StoreUnavailable:
            return None
        return None if found is None else found.decode()

    async def _cache_transcript(self, digest: str, text: str) -> None:
        try:
            await self._cache.put({digest: text.encode()})
        except StoreUnavailable:
            # It will be listened to again.
            return


def _product_transcripts(keys: Sequence[str], outcomes: Mapping[str, str | InvalidEvent]) -> ProductTranscripts:
    faults = [one for key in keys if isinstance(one := outcomes[key], InvalidEvent)]
    # A broken sound says nothing; of one that is out of reach it is not known what it says.
    broken = {key: "" for key in keys if _is_broken(outcomes[key])}
    return ProductTranscripts(broken | {key: one for key in keys if isinstance(one := outcomes[key], str)}, faults)


def _is_broken(outcome: str | InvalidEvent) -> bool:
    return isinstance(outcome, InvalidEvent) and outcome.reason == "invalid_audio"
