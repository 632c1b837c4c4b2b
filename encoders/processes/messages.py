"""The protocol between the main process and its worker processes: frames of a length and a msgpack message.

The main process never unpickles what a worker sends: a file with an exploit may have taken the worker over.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from encoders import errors
from encoders.errors import EncoderError
from encoders.inference.runtime import Runtime
from encoders.media.preparation import Pixels, Preparer
from encoders.processes.pixel_memory import PixelMemory, PixelMemorySetup, ReadPixels
from encoders.processes.pixel_slots import SlotsSetup
from encoders.prompts import Prompts
from encoders.spec import EmbeddingSpec
from encoders.speech.port import SpokenVocabulary, Transcript

LENGTH: Final = struct.Struct("<Q")
MAX_FRAME_BYTES: Final = 1 << 30
"""A frame that states a greater length is taken for garbage."""

DECODER_BASE_BYTES: Final = 2**26
"""What a decoder's program and libraries take of memory."""

PictureMessage = tuple[int, int, memoryview | int]
"""Height, width, and the levels (height, width, 3) uint8 of `Pixels` as bytes, or where they are in shared memory."""


DecodedPicture = tuple[int, int, memoryview | None]
"""As `PictureMessage`; None: the levels are in the slot that the request names."""


class ImageDecodingSetup(msgspec.Struct, array_like=True):
    """The first frame to a worker that decodes pictures; its requests are `DecodePictures`."""

    memory_bytes: int
    preparer: bytes
    """Pickled: it comes from the main process, and may be of any type."""
    device: str = "cpu"
    slots: SlotsSetup | None = None
    """Where pixels can be left; None: they are sent."""
    niceness: int = 0
    """By how much it gives way to other processes."""

    @property
    def budget_bytes(self) -> int:
        """For one picture: what the process itself takes is left out."""
        return self.memory_bytes - DECODER_BASE_BYTES


class DecodePictures(msgspec.Struct, array_like=True):
    """Whole files to decode; each is answered with a `DecodedPicture`, or with why there is none."""

    files: list[bytes]
    slots: list[int | None]
    """The slot for each file's pixels, where there is one."""


class DecoderReady(msgspec.Struct, array_like=True, tag=True):
    """A decoder has given up what it does not need, and takes files."""

    missing: list[str] = []
    """What it could not give up, in words."""


class MediaDecodingSetup(msgspec.Struct, array_like=True):
    """The first frame to a worker that decodes sounds and clips."""

    memory_bytes: int
    preparer: bytes
    """Pickled: it comes from the main process, and may be of any type."""


class DecodeSound(msgspec.Struct, array_like=True, tag=True):
    """A whole sound file to decode; answered with `DecodedSound` or `DecodingRefused`."""

    data: bytes
    max_seconds: float


class DecodeClip(msgspec.Struct, array_like=True, tag=True):
    """A whole clip to decode; answered with `DecodedClip` or `DecodingRefused`."""

    data: bytes
    max_frames: int


class DecodedSound(msgspec.Struct, array_like=True, tag=True):
    """Mono int16 samples at 16 kHz, as bytes."""

    samples: bytes


class DecodedClip(msgspec.Struct, array_like=True, tag=True):
    """Prepared frames: height, width and levels (height, width, 3) uint8 of each."""

    frames: list[tuple[int, int, bytearray]]


class DecodingRefused(msgspec.Struct, array_like=True, tag=True):
    """Why a file cannot be decoded."""

    reason: str


class RecogniserSetup(msgspec.Struct, array_like=True):
    """The first frame to a worker that recognises speech; its requests are mono int16 samples at 16 kHz, as bytes."""

    name: str
    device: str
    languages: list[str]
    cache: str
    """The directory of models that were made ready."""
    vocabulary: SpokenVocabulary | None


class RecogniserReady(msgspec.Struct, array_like=True, tag=True):
    """A worker has loaded its recogniser."""

    missing: list[str] = []
    """What it could not give up, in words."""


class Transcribed(msgspec.Struct, array_like=True, tag=True):
    """The transcript of a request's samples."""

    transcript: Transcript


class EncoderSetup(msgspec.Struct, array_like=True):
    """The first frame to a worker that holds an encoder."""

    name: str
    runtime: Runtime
    memory: PixelMemorySetup | None = None
    """Where pictures may be; None: all are sent."""


class EncoderReady(msgspec.Struct, array_like=True, tag=True):
    """What a worker has loaded."""

    spec: EmbeddingSpec
    preparer: Preparer
    prompts: Prompts
    missing: list[str] = []
    """What it could not give up, in words."""


class EncodeParts(msgspec.Struct, array_like=True, tag=True):
    """Texts and pictures to encode. Texts are bytes: msgpack's strings cannot hold a lone surrogate."""

    texts: list[bytes]
    images: list[PictureMessage]


class EncodeProducts(msgspec.Struct, array_like=True, tag=True):
    """Whole products to encode, each with its text and its pictures; `EncodedRows.texts` has their rows."""

    texts: list[bytes]
    images: list[list[PictureMessage]]


class EncodedRows(msgspec.Struct, array_like=True, tag=True):
    """Rows (n_texts, dim) and (n_images, dim) float32 of a batch, as bytes."""

    texts: bytearray
    images: bytearray
    device_s: float = 0.0
    """For how long the device computed for it, in seconds; of a pass that several batches share, its share."""


class ErrorMessage(msgspec.Struct, array_like=True, tag=True):
    """An exception as a message."""

    kind: str
    message: str

    @classmethod
    def from_error(cls, error: Exception) -> ErrorMessage:
        """The message for an exception; one that is no `EncoderError` becomes one, with its type's name in the text."""
        if isinstance(error, EncoderError):
            return cls(type(error).__name__, str(error))
        return cls("EncoderError", f"{type(error).__name__}: {error}")

    def to_error(self) -> EncoderError:
        """The exception again, of its class in `encoders.errors`."""
        kind = getattr(errors, self.kind, None)
        return (kind if isinstance(kind, type) and issubclass(kind, EncoderError) else EncoderError)(self.message)


def encode_frame(message: Any) -> bytearray:
    """A message as a frame: its length in 8 bytes, then itself."""
    buffer = bytearray(LENGTH.size)
    msgspec.msgpack.Encoder().encode_into(message, buffer, LENGTH.size)
    LENGTH.pack_into(buffer, 0, len(buffer) - LENGTH.size)
    return buffer


def picture_to_message(pixels: Pixels, memory: PixelMemory | None = None) -> PictureMessage:
    """Pixels (height, width, 3) uint8 as a message, which shares their memory where they are contiguous.

    Args:
        memory: what the receiver reads too: pixels in it are just named.
    """
    start = None if memory is None else memory.start_of(pixels)
    return pixels.shape[0], pixels.shape[1], np.ascontiguousarray(pixels).data if start is None else start


def picture_from_message(
    message: tuple[int, int, bytearray | memoryview | int], memory: ReadPixels | None = None
) -> Pixels:
    """The pixels (height, width, 3) uint8 of a message.

    Raises:
        ValueError: it has too few or too many levels, or names memory that there is not.
    """
    height, width, levels = message
    if isinstance(levels, int):
        if memory is None:
            raise ValueError("a picture is said to be in memory that nobody shared")
        return memory.pixels(levels, height, width)
    return np.frombuffer(levels, np.uint8).reshape(height, width, 3)


def texts_to_message(texts: Sequence[str]) -> list[bytes]:
    """Texts as bytes, lone surrogates included."""
    return [text.encode("utf-8", "surrogatepass") for text in texts]


def texts_from_message(message: Sequence[bytes]) -> list[str]:
    """The texts of a message."""
    return [text.decode("utf-8", "surrogatepass") for text in message]
