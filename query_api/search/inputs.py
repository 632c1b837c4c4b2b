"""What a request searches with, fetched: pictures and clips as bytes, speech as text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from encoders.speech.port import Transcript
from encoders.tracing.spans import traced
from indexer.criteria import Filters
from indexer.errors import InvalidFilter
from indexer.filter_parsing import parse_filters
from query_api.contract.requests import MAX_TEXT, MediaReference, Part, SearchRequest
from query_api.contract.text import normalise_text
from query_api.embedding.query_vectors import QueryPart
from query_api.errors import InvalidRequest
from query_api.understanding.number_words import normalise_transcript
from query_api.understanding.transcription import SpeechTranscriber


@dataclass(frozen=True, slots=True)
class QueryInputs:
    """A request with what it searches with at hand."""

    request: SearchRequest
    filters: Filters
    """Those that the request names, and those of the caller's token."""
    parts: tuple[QueryPart, ...]
    """Texts as they were given, what a spoken query said last of them; pictures as bytes; a clip at the end."""
    transcript: Transcript | None
    """What a spoken query said."""


class MediaLoader:
    """Gets the bytes of pictures, sounds and clips."""

    def __init__(self, fetch: Callable[[str], Awaitable[bytes]] | None) -> None:
        """Args: fetch: gets a URL's content, raising `InvalidRequest`; None: requests must bring the bytes."""
        self._fetch = fetch

    async def load(self, media: bytes | MediaReference, field: str = "image") -> bytes:
        """The bytes of a request's picture, sound or clip.

        Args:
            field: of the request, for the error.

        Raises:
            InvalidRequest: it is a URL, and cannot be fetched.
        """
        if isinstance(media, bytes):
            return media
        if media.url is None:
            return media.data or b""
        if self._fetch is None:
            raise InvalidRequest(f"{field}.url", f"{field}.url: this service fetches nothing; send the bytes as base64")
        return await self._fetch(media.url)


class InputLoader:
    """The first stage of a search: everything of a request that has to be fetched or listened to."""

    def __init__(self, media: MediaLoader, transcriber: SpeechTranscriber) -> None:
        self._media = media
        self._transcriber = transcriber

    @traced("inputs")
    async def load(self, request: SearchRequest) -> QueryInputs:
        """Fetch what a request searches with.

        Raises:
            InvalidRequest: a filter, the sound, a picture or the clip, in this order.
            EncoderBusy: speech cannot be understood in time.
        """
        filters = request_filters(request)
        transcript = None if request.audio is None else await self._transcribe(request.audio)
        parts = request.all_parts
        pictures = await self._load_pictures(parts)
        loaded = [_query_part(part, pictures) for part in parts]
        if transcript is not None and transcript.text:
            loaded.append(QueryPart("text", transcript.text.rstrip()))
        if request.video is not None:
            loaded.append(QueryPart("video", await self._media.load(request.video, "video")))
        return QueryInputs(request, filters, tuple(loaded), transcript)

    async def _transcribe(self, audio: bytes | MediaReference) -> Transcript:
        spoken = await self._transcriber.transcribe(await self._media.load(audio, "audio"))
        transcript = normalise_transcript(spoken)
        return msgspec.structs.replace(transcript, text=normalise_text(transcript.text)[:MAX_TEXT])

    async def _load_pictures(self, parts: Sequence[Part]) -> Iterator[bytes]:
        """The pictures among parts, in their order."""
        pictures = [part.image for part in parts if part.image is not None]
        return iter(await asyncio.gather(*map(self._media.load, pictures)) if pictures else ())


def request_filters(request: SearchRequest) -> Filters:
    """The filters that a request names, and those of its caller's token. Raises `InvalidRequest` naming the field."""
    return (*read_filters(request.filters), *request.fixed_filters)


def read_filters(raw: Mapping[str, Any]) -> Filters:
    """The filters of a request. Raises `InvalidRequest` naming the field."""
    try:
        return parse_filters(raw)
    except InvalidFilter as error:
        raise InvalidRequest(str(error).partition(":")[0], str(error)) from error


def _query_part(part: Part, pictures: Iterator[bytes]) -> QueryPart:
    """A part of a request; a picture is the next of `pictures`."""
    if part.image is not None:
        return QueryPart("image", next(pictures), part.weight)
    if part.product_id is not None:
        return QueryPart("product_id", part.product_id, part.weight)
    return QueryPart("text", part.text or "", part.weight)
