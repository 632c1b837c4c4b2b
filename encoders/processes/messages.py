"""What parents and children say to each other: frames of a length and a msgpack message.

Nothing that comes from a child is ever unpickled: it may have been taken over by the file that it decodes.
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
from encoders.spec import EmbeddingSpec
from encoders.speech.port import SpokenVocabulary, Transcript

LENGTH: Final = struct.Struct("<Q")
MAX_FRAME_BYTES: Final = 1 << 30
"""A length beyond this is nonsense."""

PictureMessage = tuple[int, int, memoryview]
"""Height, width and levels of `Pixels`."""


class ImageDecodingSetup(msgspec.Struct, array_like=True):
    """The first frame to a child that decodes pictures; its requests are lists of whole files."""

    memory_bytes: int
    preparer: bytes
    """Pickled: it comes from the parent, and may be of any kind."""
    device: str = "cpu"


class MediaDecodingSetup(msgspec.Struct, array_like=True):
    """The first frame to a child that decodes sounds and clips."""

    memory_bytes: int
    preparer: bytes
    """Pickled: it comes from the parent, and may be of any kind."""


class DecodeSound(msgspec.Struct, array_like=True, tag=True):
    """A whole sound file to decode; answered with `DecodedSound` or `DecodingRefused`."""

    data: bytes
    max_seconds: float


class DecodeClip(msgspec.Struct, array_like=True, tag=True):
    """A whole clip to decode; answered with `DecodedClip` or `DecodingRefused`."""

    data: bytes
    max_frames: int


class DecodedSound(msgspec.Struct, array_like=True, tag=True):
    """Int16 samples."""

    samples: bytes


class DecodedClip(msgspec.Struct, array_like=True, tag=True):
    """Prepared frames."""

    frames: list[tuple[int, int, bytearray]]


class DecodingRefused(msgspec.Struct, array_like=True, tag=True):
    """Why a file cannot be decoded."""

    reason: str


class RecogniserSetup(msgspec.Struct, array_like=True):
    """The first frame to a child that recognises speech; its requests are int16 samples, as bytes."""

    name: str
    device: str
    vocabulary: SpokenVocabulary | None


class RecogniserReady(msgspec.Struct, array_like=True, tag=True):
    """A child has loaded its recogniser."""


class Transcribed(msgspec.Struct, array_like=True, tag=True):
    """What was said."""

    transcript: Transcript


class EncoderSetup(msgspec.Struct, array_like=True):
    """The first frame to a child that holds an encoder."""

    name: str
    runtime: Runtime


class EncoderReady(msgspec.Struct, array_like=True, tag=True):
    """What a child loaded."""

    spec: EmbeddingSpec
    preparer: Preparer


class EncodeParts(msgspec.Struct, array_like=True, tag=True):
    """Texts and pictures to encode. Texts are bytes, since a lone surrogate is no UTF-8 string."""

    texts: list[bytes]
    images: list[PictureMessage]


class EncodeProducts(msgspec.Struct, array_like=True, tag=True):
    """Whole products to encode, each with its text and its pictures; their rows come back as those of texts do."""

    texts: list[bytes]
    images: list[list[PictureMessage]]


class EncodedRows(msgspec.Struct, array_like=True, tag=True):
    """Float32 rows of a batch's texts and images."""

    texts: bytearray
    images: bytearray


class ErrorMessage(msgspec.Struct, array_like=True, tag=True):
    """An exception as it travels."""

    kind: str
    message: str

    @classmethod
    def from_error(cls, error: Exception) -> ErrorMessage:
        """Take an exception along; one that is not ours says its own kind in the message."""
        if isinstance(error, EncoderError):
            return cls(type(error).__name__, str(error))
        return cls("EncoderError", f"{type(error).__name__}: {error}")

    def to_error(self) -> EncoderError:
        """The exception again, of its own class."""
        kind = getattr(errors, self.kind, None)
        return (kind if isinstance(kind, type) and issubclass(kind, EncoderError) else EncoderError)(self.message)


def encode_frame(message: Any) -> bytearray:
    """A message with its length before it."""
    buffer = bytearray(LENGTH.size)
    msgspec.msgpack.Encoder().encode_into(message, buffer, LENGTH.size)
    LENGTH.pack_into(buffer, 0, len(buffer) - LENGTH.size)
    return buffer


def picture_to_message(pixels: Pixels) -> PictureMessage:
    """Pixels as they travel."""
    return pixels.shape[0], pixels.shape[1], np.ascontiguousarray(pixels).data


def picture_from_message(sent: tuple[int, int, bytearray | memoryview]) -> Pixels:
    """Pixels that have travelled, (height, width, 3). Raises `ValueError` where the levels do not fill the picture."""
    height, width, levels = sent
    return np.frombuffer(levels, np.uint8).reshape(height, width, 3)


def texts_to_message(texts: Sequence[str]) -> list[bytes]:
    """Texts as they travel."""
    return [text.encode("utf-8", "surrogatepass") for text in texts]


def texts_from_message(sent: Sequence[bytes]) -> list[str]:
    """Texts that have travelled."""
    return [text.decode("utf-8", "surrogatepass") for text in sent]
