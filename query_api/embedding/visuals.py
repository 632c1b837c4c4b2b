"""Shoppers' pictures and clips: decoded, and embedded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoders.errors import InvalidImage, InvalidVideo, WorkerProcessUnavailable
from encoders.port import ImageDecoder, Pixels
from encoders.processes.media_decoding import MediaDecoder
from encoders.spec import FloatArray, pool_vectors
from query_api.embedding.batcher import EncoderBatcher
from query_api.errors import EncoderBusy, InvalidRequest


@dataclass(frozen=True, slots=True)
class VisualDecoders:
    """What makes the encoder's input of pictures and clips, and the longest that each may take."""

    pictures: ImageDecoder
    clips: MediaDecoder | None
    """None: clips are refused."""
    picture_deadline_s: float = 5.0
    clip_deadline_s: float = 10.0


class VisualEmbedder:
    """Embeds pictures and clips.

    Both methods raise `InvalidRequest` for what cannot be decoded, and `EncoderBusy` when a decoder or the encoder is
    late.
    """

    def __init__(self, decoders: VisualDecoders, batcher: EncoderBatcher) -> None:
        self._decoders = decoders
        self._batcher = batcher

    async def embed_picture(self, data: bytes) -> FloatArray:
        """The unit mean (dim,) of the embeddings of a picture's views."""
        limit_s = self._decoders.picture_deadline_s
        try:
            async with asyncio.timeout(limit_s):
                (pixels,) = await self._decoders.pictures.decode([data])
        except TimeoutError as error:
            raise EncoderBusy(f"the picture was not decoded within {limit_s:g} s") from error
        except WorkerProcessUnavailable as error:
            raise EncoderBusy(f"pictures cannot be decoded just now: {error}") from error
        if isinstance(pixels, InvalidImage):
            raise InvalidRequest("image", str(pixels)) from pixels
        return await self._embed_all(self._batcher.preparer.views(pixels))

    async def embed_clip(self, data: bytes) -> FloatArray:
        """The unit mean (dim,) of the embeddings of a clip's frames."""
        clips, limit_s = self._decoders.clips, self._decoders.clip_deadline_s
        if clips is None:
            raise InvalidRequest("video", "video: this service looks at no clips")
        try:
            async with asyncio.timeout(limit_s):
                frames = await clips.frames(data)
        except TimeoutError as error:
            raise EncoderBusy(f"the clip was not decoded within {limit_s:g} s") from error
        except WorkerProcessUnavailable as error:
            raise EncoderBusy(f"clips cannot be decoded just now: {error}") from error
        if isinstance(frames, InvalidVideo):
            raise InvalidRequest("video", str(frames)) from frames
        return await self._embed_all(frames)

    async def _embed_all(self, pictures: Sequence[Pixels]) -> FloatArray:
        rows = await asyncio.gather(*(self._batcher.encode(picture) for picture in pictures))
        return pool_vectors(np.stack(rows), first_weight=1.0)
