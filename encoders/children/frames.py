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
from encoders.preparation import Pixels, Preparer
from encoders.runtime import Runtime
from encoders.spec import EmbeddingSpec
from encoders.speech.port import SpokenWords, Transcript

LENGTH: Final = struct.Struct("<Q")
MAX_FRAME_BYTES: Final = 1 << 30
"""A length beyond this is nonsense."""

Picture = tuple[int, int, memoryview]
"""Height, width and levels of `Pixels`."""


class DecodingSetup(msgspec.Struct, array_like=True):
    """The first frame to a child that decodes pictures; its requests are lists of whole files."""

    memory_bytes: int
    preparer: bytes
    """Pickled: it comes from the parent, and may be of any kind."""
    device: str = "cpu"


class MediaSetup(msgspec.Struct, array_like=True):
    """The first frame to a child that decodes sounds and clips."""

    memory_bytes: int
    preparer: bytes
    """Pickled: it comes from the parent, and may be of any kind."""


class SoundFile(msgspec.Struct, array_like=True, tag=True):
    """A whole sound file to decode; answered with `Sound` or `Refused`."""

    data: bytes
    max_seconds: float


class ClipFile(msgspec.Struct, array_like=True, tag=True):
    """A whole clip to decode; answered with `Clip` or `Refused`."""

    data: bytes
    max_frames: int


class Sound(msgspec.Struct, array_like=True, tag=True):
    """Int16 samples."""

    samples: bytes


class Clip(msgspec.Struct, array_like=True, tag=True):
    """Prepared frames."""

    frames: list[tuple[int, int, bytearray]]


class Refused(msgspec.Struct, array_like=True, tag=True):
    """Why a file cannot be decoded."""

    reason: str


class ListenerSetup(msgspec.Struct, array_like=True):
    """The first frame to a child that recognises speech; its requests are int16 samples, as bytes."""

    name: str
    device: str
    spoken: SpokenWords | None


class ListenerReady(msgspec.Struct, array_like=True, tag=True):
    """A child has loaded its recogniser."""


class Heard(msgspec.Struct, array_like=True, tag=True):
    """What was said."""

    transcript: Transcript


class EncodingSetup(msgspec.Struct, array_like=True):
    """The first frame to a child that holds an encoder."""

    name: str
    runtime: Runtime


class EncoderReady(msgspec.Struct, array_like=True, tag=True):
    """What a child loaded."""

    spec: EmbeddingSpec
    preparer: Preparer


class Batch(msgspec.Struct, array_like=True, tag=True):
    """Texts and pictures to encode. Texts are bytes, since a lone surrogate is no UTF-8 string."""

    texts: list[bytes]
    images: list[Picture]


class Products(msgspec.Struct, array_like=True, tag=True):
    """Whole products to encode, each with its text and its pictures; their rows come back as those of texts do."""

    texts: list[bytes]
    images: list[list[Picture]]


class Rows(msgspec.Struct, array_like=True, tag=True):
    """Float32 rows of a batch's texts and images."""

    texts: bytearray
    images: bytearray


class Failure(msgspec.Struct, array_like=True, tag=True):
    """An exception as it travels."""

    kind: str
    message: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Take an exception along; one that is not ours says its own kind in the message."""
        if isinstance(error, EncoderError):
            return cls(type(error).__name__, str(error))
        return cls("EncoderError", f"{type(error).__name__}: {error}")

    def error(self) -> EncoderError:
        """The exception again, of its own class."""
        kind = getattr(errors, self.kind, None)
        return (kind if isinstance(kind, type) and issubclass(kind, EncoderError) else EncoderError)(self.message)


def frame(message: Any) -> bytearray:
    """A message with its length before it."""
    buffer = bytearray(LENGTH.size)
    msgspec.msgpack.Encoder().encode_into(message, buffer, LENGTH.size)
    LENGTH.pack_into(buffer, 0, len(buffer) - LENGTH.size)
    return buffer


def picture(pixels: Pixels) -> Picture:
    """Pixels as they travel."""
    return pixels.shape[0], pixels.shape[1], np.ascontiguousarray(pixels).data


def pixels(sent: tuple[int, int, bytearray | memoryview]) -> Pixels:
    """Pixels that have travelled, (height, width, 3). Raises `ValueError` where the levels do not fill the picture."""
    height, width, levels = sent
    return np.frombuffer(levels, np.uint8).reshape(height, width, 3)


def texts_out(texts: Sequence[str]) -> list[bytes]:
    """Texts as they travel."""
    return [text.encode("utf-8", "surrogatepass") for text in texts]


def texts_in(sent: Sequence[bytes]) -> list[str]:
    """Texts that have travelled."""
    return [text.decode("utf-8", "surrogatepass") for text in sent]
