"""Opens sound files and clips of unknown origin by PyAV, so that a file cannot have FFmpeg open another one.

FFmpeg's demuxers of playlists (HLS, DASH, concat) open any file or address that the data names. So only the demuxers of
self-contained formats are allowed, and no protocol at all.
"""

from __future__ import annotations

import io
from collections.abc import Generator
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

# What PyAV raises for broken files. FFmpeg's errors are OSErrors or ValueErrors too, a codec it lacks is a LookupError.
CONTAINER_ERRORS: Final = (FFmpegError, OSError, ValueError, LookupError, OverflowError, MemoryError, RuntimeError)


@contextmanager
def open_container(data: bytes) -> Generator[InputContainer]:
    """Open a whole file. Raises one of `CONTAINER_ERRORS` where it is none of `FORMATS`, or broken."""
    try:
        container: InputContainer = av.open(io.BytesIO(data), "r", options=_OPTIONS, **_METADATA)
    except (InvalidDataError, ArgumentError) as error:
        raise ValueError("it is of none of the known formats, or its head is broken") from error
    with container:
        yield container


def stated_seconds(container: InputContainer) -> float | None:
    """How long the header says, or the file's size suggests, that it lasts, in seconds; None: neither does."""
    return None if container.duration is None else container.duration / av.time_base


def error_summary(error: BaseException) -> str:
    """A decoder's error in at most 200 characters."""
    if isinstance(error, MemoryError):
        return "the decoder ran out of memory"
    text = getattr(error, "strerror", None) or str(error)
    return text[:200] or type(error).__name__
