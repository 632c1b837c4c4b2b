"""Opening sound files and clips of unknown origin by PyAV: the formats taken, and no way from a file to another one.

FFmpeg's demuxers of playlists (HLS, DASH, concat) open whatever file or address the data names, so only those of
self-contained files are allowed, and no protocol at all.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import av
from av.container import InputContainer
from av.error import ArgumentError, FFmpegError, InvalidDataError

FORMATS: Final = ("wav", "mp3", "ogg", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "flac", "aac", "avi", "gif", "amr")
"""Names of FFmpeg's demuxers, each with its aliases."""
_OPTIONS: Final = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "none"}
_METADATA: Final[dict[str, Any]] = {"metadata_errors": "ignore"} if hasattr(InputContainer, "metadata_errors") else {}
"""Titles and authors may be in any encoding, and nobody reads them. From PyAV 19 on it passes over them itself."""

# What PyAV raises on broken files: FFmpeg's errors are OSErrors or ValueErrors too, and codecs it lacks LookupErrors.
CONTAINER_ERRORS: Final = (FFmpegError, OSError, ValueError, LookupError, OverflowError, MemoryError, RuntimeError)


@contextmanager
def open_container(data: bytes) -> Iterator[InputContainer]:
    """Open a whole file. Raises one of `CONTAINER_ERRORS` where it is none of `FORMATS`, or broken."""
    try:
        container: InputContainer = av.open(io.BytesIO(data), "r", options=_OPTIONS, **_METADATA)
    except (InvalidDataError, ArgumentError) as error:
        raise ValueError("it is of none of the known formats, or its head is broken") from error
    with container:
        yield container


def stated_seconds(container: InputContainer) -> float | None:
    """How long the file says, or its length suggests, that it lasts; None: it does not."""
    return None if container.duration is None else container.duration / av.time_base


def error_summary(error: BaseException) -> str:
    """An error of a decoder in a few words."""
    if isinstance(error, MemoryError):
        return "the decoder ran out of memory"
    text = getattr(error, "strerror", None) or str(error)
    return text[:200] or type(error).__name__
