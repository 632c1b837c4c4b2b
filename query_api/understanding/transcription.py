"""Spoken queries: from a sound file to what was said, once for each file."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from encoders.errors import InvalidAudio, ModelUnavailable, WorkerProcessFailed, WorkerProcessUnavailable
from encoders.processes.media_decoding import MediaDecoder
from encoders.speech.port import Recogniser, Transcript
from query_api.errors import EncoderBusy, InvalidRequest

MAX_CACHED_TRANSCRIPTS = 256
"""Sounds whose transcripts are kept: further pages of a search are those of the same words."""


@dataclass(frozen=True, slots=True)
class SpeechLimits:
    """How much of a sound is listened to, and how long that may take."""

    max_seconds: float
    """Of sound; what comes after is left out."""
    deadline_s: float
    """The longest that decoding and transcribing take together."""


class SpeechTranscriber:
    """Transcribes spoken queries."""

    def __init__(self, decoder: MediaDecoder | None, recogniser: Recogniser | None, limits: SpeechLimits) -> None:
        """Args: decoder, recogniser: without either, sounds are refused."""
        self._decoder = decoder
        self._recogniser = recogniser
        self._limits = limits
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
                async with asyncio.timeout(self._limits.deadline_s):
                    self._transcripts[digest] = await self._decode_and_transcribe(data)
            except TimeoutError as error:
                raise EncoderBusy(f"audio: not understood within {self._limits.deadline_s:g} s") from error
            except (WorkerProcessFailed, WorkerProcessUnavailable, ModelUnavailable) as error:
                raise EncoderBusy(f"audio: speech cannot be understood just now: {error}") from error
            while len(self._transcripts) > MAX_CACHED_TRANSCRIPTS:
                self._transcripts.popitem(last=False)
        return self._transcripts[digest]

    async def _decode_and_transcribe(self, data: bytes) -> Transcript:
        if self._decoder is None or self._recogniser is None:
            raise InvalidRequest("audio", "audio: this service does not listen")
        samples = await self._decoder.sound(data, self._limits.max_seconds)
        if isinstance(samples, InvalidAudio):
            raise InvalidRequest("audio", str(samples)) from samples
        return await self._recogniser.transcribe(samples)
