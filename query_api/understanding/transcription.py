"""Spoken queries: from a sound file to what was said, once for each file."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict

from encoders.errors import InvalidAudio, ModelUnavailable, WorkerProcessFailed, WorkerProcessUnavailable
from encoders.speech.port import Transcript
from query_api.errors import EncoderBusy, InvalidRequest
from query_api.ports import QueryPorts

MAX_CACHED_TRANSCRIPTS = 256
"""Sounds whose transcripts are kept: further pages of a search are those of the same words."""


class SpeechTranscriber:
    """Listens to shoppers."""

    def __init__(self, services: QueryPorts) -> None:
        self._decoder = services.media_decoder
        self._recogniser = services.recogniser
        self._max_seconds = services.clips_config.query_seconds
        self._deadline_s = services.config.deadline_s
        self._transcripts: OrderedDict[bytes, Transcript] = OrderedDict()

    async def transcribe(self, data: bytes) -> Transcript:
        """What is said in a sound file.

        Raises:
            InvalidRequest: it is no sound that is taken, or this service listens to none.
            EncoderBusy: the recogniser was late, or cannot be started.
        """
        digest = hashlib.blake2b(data, digest_size=16).digest()
        if digest not in self._transcripts:
            try:
                async with asyncio.timeout(self._deadline_s):
                    self._transcripts[digest] = await self._decode_and_transcribe(data)
            except TimeoutError as error:
                raise EncoderBusy(f"audio: not understood within {self._deadline_s:g} s") from error
            except (WorkerProcessFailed, WorkerProcessUnavailable, ModelUnavailable) as error:
                raise EncoderBusy(f"audio: speech cannot be understood just now: {error}") from error
            while len(self._transcripts) > MAX_CACHED_TRANSCRIPTS:
                self._transcripts.popitem(last=False)
        return self._transcripts[digest]

    async def _decode_and_transcribe(self, data: bytes) -> Transcript:
        if self._decoder is None or self._recogniser is None:
            raise InvalidRequest("audio", "audio: this service does not listen")
        samples = await self._decoder.sound(data, self._max_seconds)
        if isinstance(samples, InvalidAudio):
            raise InvalidRequest("audio", str(samples)) from samples
        return await self._recogniser.transcribe(samples)
