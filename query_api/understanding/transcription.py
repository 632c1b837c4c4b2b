"""Transcription of spoken queries, once for each sound file."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from encoders.errors import InvalidAudio, ModelUnavailable, WorkerProcessFailed, WorkerProcessUnavailable
from encoders.processes.media_decoding import MediaDecoder
from encoders.speech.port import Recogniser, Transcript
from query_api.errors import EncoderBusy, InvalidRequest

MAX_CACHED_TRANSCRIPTS = 256
"""Sound files whose transcripts are kept, so that further pages of a search need not transcribe again."""


@dataclass(frozen=True, slots=True)
class SpeechLimits:
    """How much of a sound is transcribed, and how long that may take."""

    max_seconds: float
    """The part of a sound that is transcribed; the rest is ignored."""
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
        """The transcript of a sound file.

        Raises:
            InvalidRequest: the file cannot be decoded, or this service takes no sounds.
            EncoderBusy: the recogniser did not answer in time, or cannot be started.
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
        transcript = await self._recogniser.transcribe(samples)
        return msgspec.structs.replace(transcript, recogniser=self._recogniser.key)
