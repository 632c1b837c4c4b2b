"""Sounds and clips decoded in a worker process, where a crash or an endless file of a native decoder harms nothing."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from encoders.errors import InvalidAudio, InvalidVideo, WorkerProcessFailed
from encoders.media.preparation import ImagePreparer, Pixels
from encoders.processes.environment import SMALL_PROCESS
from encoders.processes.messages import (
    DecodeClip,
    DecodedClip,
    DecodedSound,
    DecodeSound,
    DecodingRefused,
    MediaDecodingSetup,
    picture_from_message,
)
from encoders.processes.pool import WorkerPool, start_decoder
from encoders.processes.worker import WorkerProcess, WorkerProgram

Decoded = TypeVar("Decoded")
Refusal = TypeVar("Refusal", InvalidAudio, InvalidVideo)

_START_DEADLINE_S: Final = 60.0
_SOUND: Final = msgspec.msgpack.Decoder(DecodedSound | DecodingRefused)
_CLIP: Final = msgspec.msgpack.Decoder(DecodedClip | DecodingRefused)


@dataclass(frozen=True, slots=True)
class ClipsConfig:
    """Sounds and clips, and the process that decodes them."""

    query_seconds: float = 30.0
    """The longest spoken query, in seconds."""
    product_seconds: float = 120.0
    """The longest sound of a product, in seconds."""
    frames: int = 8
    """How many frames of a clip are looked at, at most."""
    deadline_s: float = 20.0
    """The longest that decoding one file may take, in seconds."""
    memory_bytes: int = 3 * 2**27
    """The most memory that the process takes at its peak; a file that wants more is refused. Enforced on Linux."""

    def __post_init__(self) -> None:
        for name in ("query_seconds", "product_seconds", "deadline_s", "frames"):
            if getattr(self, name) <= 0:
                raise ValueError(f"clips.{name} must be above 0, not {getattr(self, name):g}")
        if self.memory_bytes < 2**28:
            raise ValueError(f"clips.memory_bytes must be at least {2**28}, not {self.memory_bytes}")


class MediaDecoder(Protocol):
    """Decodes sound files and clips of unknown origin into what models take.

    A file that cannot be decoded is an answer, not an exception. Raises `WorkerProcessUnavailable` where there is no
    process to decode in.
    """

    async def sound(self, data: bytes, max_seconds: float) -> NDArray[np.int16] | InvalidAudio:
        """Mono int16 samples (n,) at 16 kHz of a whole file, or why there are none.

        Args:
            data: the file.
            max_seconds: a longer sound is refused.
        """
        ...

    async def frames(self, data: bytes) -> list[Pixels] | InvalidVideo:
        """Prepared frames (height, width, 3) uint8 of a whole clip in the order of time, or why there are none."""
        ...


class MediaDecoderProcess:
    """`MediaDecoder` in a worker process that starts with the first file; an async context manager.

    A file during which the process dies is tried once more in another process, and then refused.
    """

    def __init__(self, preparer: ImagePreparer, config: ClipsConfig | None = None) -> None:
        """Args: preparer: makes the model's input of a frame; must be picklable."""
        self._config = config or ClipsConfig()
        self._program = WorkerProgram(
            name="media decoder",
            module="encoders.workers.media",
            setup_message=MediaDecodingSetup(self._config.memory_bytes, pickle.dumps(preparer)),
            deadline_s=self._config.deadline_s,
            start_deadline_s=_START_DEADLINE_S,
            environment=SMALL_PROCESS,
        )
        # One file at a time: when the process dies, it is that file's fault.
        self._pool = WorkerPool(self._start, in_flight=1)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return self._pool.pids

    def silent_s(self) -> float:
        """For how long it has been without an answer to what it was asked, in seconds; 0 while it is idle."""
        return self._pool.silent_s()

    def starting_s(self) -> float:
        """For how long it is being started, in seconds; 0 while it is not."""
        return self._pool.starting_s()

    async def __aenter__(self) -> MediaDecoderProcess:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    async def sound(self, data: bytes, max_seconds: float) -> NDArray[np.int16] | InvalidAudio:
        """Mono int16 samples (n,) at 16 kHz of a whole file, or why there are none."""
        return await self._decode(DecodeSound(data, max_seconds), _sound, InvalidAudio, f"audio of {len(data)} bytes")

    async def frames(self, data: bytes) -> list[Pixels] | InvalidVideo:
        """Prepared frames (height, width, 3) uint8 of a whole clip, or why there are none."""
        wanted = DecodeClip(data, self._config.frames)
        return await self._decode(wanted, _frames, InvalidVideo, f"video of {len(data)} bytes")

    async def _decode(
        self, request: Any, parse: Callable[[bytes], Decoded], refusal: type[Refusal], what: str
    ) -> Decoded | Refusal:
        try:
            return await self._pool.request(request, parse)
        except WorkerProcessFailed:
            pass
        try:
            return await self._pool.request(request, parse)
        except WorkerProcessFailed as error:
            return refusal(f"{what} cannot be decoded: the decoder {error.reason}")

    async def _start(self) -> WorkerProcess:
        return await start_decoder(self._program)


class InProcessMediaDecoder:
    """`MediaDecoder` in a thread of this process, which a bad file can end: for trusted files and for tests."""

    def __init__(self, preparer: ImagePreparer, config: ClipsConfig | None = None) -> None:
        self._preparer = preparer
        self._config = config or ClipsConfig()

    async def sound(self, data: bytes, max_seconds: float) -> NDArray[np.int16] | InvalidAudio:
        """Mono int16 samples (n,) at 16 kHz of a whole file, or why there are none."""
        # Imported here, as below: a process that leaves decoding to another one needs no decoders.
        from encoders.media.sound import decode_sound

        try:
            return await asyncio.to_thread(decode_sound, data, max_seconds)
        except InvalidAudio as error:
            return error

    async def frames(self, data: bytes) -> list[Pixels] | InvalidVideo:
        """Prepared frames (height, width, 3) uint8 of a whole clip, or why there are none."""
        from encoders.media.clips import clip_frames

        try:
            return [self._preparer(frame) for frame in await asyncio.to_thread(clip_frames, data, self._config.frames)]
        except InvalidVideo as error:
            return error


def _sound(answer: bytes) -> NDArray[np.int16] | InvalidAudio:
    decoded = _SOUND.decode(answer)
    return (
        InvalidAudio(decoded.reason)
        if isinstance(decoded, DecodingRefused)
        else np.frombuffer(decoded.samples, np.int16)
    )


def _frames(answer: bytes) -> list[Pixels] | InvalidVideo:
    decoded = _CLIP.decode(answer)
    return (
        InvalidVideo(decoded.reason)
        if isinstance(decoded, DecodingRefused)
        else [picture_from_message(frame) for frame in decoded.frames]
    )
