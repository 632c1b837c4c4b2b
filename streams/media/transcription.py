"""What products' sounds say: each file is transcribed once, and no batch is held up for long."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from encoders.errors import EncoderError, InvalidAudio
from encoders.processes.media_decoding import MediaDecoder
from encoders.speech.port import Recogniser
from indexer.errors import StoreUnavailable
from indexer.media.keys import MediaKey
from indexer.media.store import MediaStore, media_hash
from indexer.redis.bounded_map import BoundedMap
from streams import metrics
from streams.delivery.availability import until_available
from streams.errors import InvalidEvent, UnreachableMedia
from streams.media.faults import display_name, invalid_media, unreachable_media
from streams.media.fetching import MediaFetcher

MAX_IN_PROGRESS = 64
"""Files that are transcribed, or wait for it, at once; more are tried again later."""
MAX_TRANSCRIPT_CHARS = 1_000
"""Characters of a transcript that are kept."""


@dataclass(frozen=True, slots=True)
class TranscriptionLimits:
    """What a sound may cost."""

    max_seconds: float
    """Of a sound; a longer one is broken."""
    batch_wait_s: float = 5.0
    """How long a batch waits for its sounds; a product whose sounds take longer is indexed without, and retried."""


@dataclass(frozen=True, slots=True)
class ProductTranscripts:
    """What came of transcribing a product's sounds."""

    transcripts: Mapping[MediaKey, str]
    """What they say; empty: nothing that is understood, or the file is no sound."""
    faults: Sequence[InvalidEvent]
    """Of those that are broken, or not transcribed yet."""


class AudioTranscriber:
    """Transcribes products' sounds; an async context manager.

    What takes too long for one batch goes on, and is known when the product is tried again.
    """

    def __init__(
        self,
        media: MediaStore,
        fetcher: MediaFetcher,
        decoder: MediaDecoder,
        recogniser: Recogniser,
        cache: BoundedMap,
        limits: TranscriptionLimits,
    ) -> None:
        """Args: cache: transcripts by the hash of their files, of this recogniser alone."""
        self._media = media
        self._fetcher = fetcher
        self._decoder = decoder
        self._recogniser = recogniser
        self._cache = cache
        self._limits = limits
        self._in_progress: dict[MediaKey, asyncio.Task[str]] = {}

    async def __aenter__(self) -> AudioTranscriber:
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = list(self._in_progress.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def transcribe(self, wanted: Mapping[str, Sequence[MediaKey]]) -> dict[str, ProductTranscripts]:
        """What the sounds of products say, by product id."""
        keys = list(dict.fromkeys(key for product_keys in wanted.values() for key in product_keys))
        outcomes = dict(zip(keys, await asyncio.gather(*map(self._outcome, keys)), strict=True))
        return {
            product_id: _product_transcripts({key: outcomes[key] for key in product_keys})
            for product_id, product_keys in wanted.items()
        }

    async def wait_until_idle(self) -> None:
        """Return when nothing is being transcribed any more."""
        while self._in_progress:
            await asyncio.wait(self._in_progress.values())
            await asyncio.sleep(0)

    async def _outcome(self, key: MediaKey) -> str | InvalidEvent:
        """A transcript, or what is wrong."""
        task = self._in_progress.get(key)
        if task is None:
            if len(self._in_progress) >= MAX_IN_PROGRESS:
                return unreachable_media(key, f"{display_name(key)}: others are listened to first")
            task = self._in_progress[key] = asyncio.create_task(self._transcript(key))
            task.add_done_callback(lambda done: self._finished(key, done))
        try:
            async with asyncio.timeout(self._limits.batch_wait_s):
                return await asyncio.shield(task)
        except TimeoutError:
            return unreachable_media(key, f"{display_name(key)}: it is still listened to")
        except InvalidAudio as error:
            return invalid_media(key, f"{display_name(key)}: {error}")
        except (UnreachableMedia, EncoderError) as error:
            return unreachable_media(key, f"{display_name(key)}: {error}")

    def _finished(self, key: MediaKey, task: asyncio.Task[str]) -> None:
        self._in_progress.pop(key, None)
        if not task.cancelled():
            # Taken here, so that asyncio does not report it: whoever waits for the task is told of it anyway.
            task.exception()

    async def _transcript(self, key: MediaKey) -> str:
        if not key.is_stored:
            async with self._fetcher.fetch(key.url) as fetched:
                return await self._transcribe_file(fetched.version.digest, fetched.data or b"")
        if (known := await self._cached_transcript(key.digest)) is not None:
            return known
        data = await until_available("media", lambda: self._media.get(key.digest))
        if data is None:
            raise UnreachableMedia(f"{key.digest} is not in the media store")
        return await self._transcribe_file(media_hash(data), data)

    async def _transcribe_file(self, digest: str, data: bytes) -> str:
        if (known := await self._cached_transcript(digest)) is not None:
            return known
        samples = await self._decoder.sound(data, self._limits.max_seconds)
        metrics.DECODED_CLIPS.labels("audio").inc()
        if isinstance(samples, InvalidAudio):
            raise samples
        text = (await self._recogniser.transcribe(samples)).text[:MAX_TRANSCRIPT_CHARS]
        await self._cache_transcript(digest, text)
        return text

    async def _cached_transcript(self, digest: str) -> str | None:
        try:
            text = (await self._cache.get([digest])).get(digest)
        except StoreUnavailable:
            return None
        return None if text is None else text.decode()

    async def _cache_transcript(self, digest: str, text: str) -> None:
        try:
            await self._cache.put({digest: text.encode()})
        except StoreUnavailable:
            # It will be transcribed again.
            return


def _product_transcripts(outcomes: Mapping[MediaKey, str | InvalidEvent]) -> ProductTranscripts:
    faults = [outcome for outcome in outcomes.values() if isinstance(outcome, InvalidEvent)]
    # A broken sound says nothing; of one that is out of reach it is not known what it says.
    transcripts = {
        key: outcome if isinstance(outcome, str) else ""
        for key, outcome in outcomes.items()
        if isinstance(outcome, str) or outcome.reason == "invalid_audio"
    }
    return ProductTranscripts(transcripts, faults)
