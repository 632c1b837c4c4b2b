"""Clips to a few frames that differ, spread over the clip's length.

Candidates are taken at even distances in time; those that as thumbnails hardly differ from an earlier one are dropped.
Source: Zhang et al., "Automatic partitioning of full-motion video", 1993 (frame differences).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from PIL import Image

from encoders.errors import InvalidVideo
from encoders.media.containers import CONTAINER_ERRORS, error_summary, open_container, stated_seconds
from encoders.spec import FloatArray

MAX_FRAMES: Final = 8
"""The most frames that a clip comes to: a product shown turning has been around within that many."""
_CANDIDATES: Final = 24
_KEPT_PIXELS: Final = 2**20
"""Of each candidate: more than any model's input has, so that all of them together take little memory."""
_THUMBNAIL: Final = (16, 16)
"""Width and height in pixels."""
_MIN_FRAME_DIFFERENCE: Final = 4.0
"""Mean difference of thumbnails, in levels of 255, up to which two frames count as the same."""
_BLANK_CONTRAST: Final = 3.0
"""Standard deviation of a thumbnail, in levels of 255, up to which a frame is blank: fades begin and end in black."""


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """The largest clips that are decoded, and how much of them."""

    max_bytes: int = 20_000_000
    """Of the file."""
    max_pixels: int = 9_000_000
    """Of one frame: 4K and a little more."""
    max_seconds: float = 600.0
    """Of the clip."""
    decoded_pixels: int = 400_000_000
    """Pixels of all frames together. Of a clip with more, only key frames are decoded; decoding ends at this many."""


DEFAULT_LIMITS: Final = ClipLimits()


@dataclass(frozen=True, slots=True)
class _Candidate:
    image: Image.Image
    thumbnail: FloatArray


def clip_frames(data: bytes, max_frames: int = MAX_FRAMES, limits: ClipLimits = DEFAULT_LIMITS) -> list[Image.Image]:
    """Decode frames of the first video track of a file: MP4, WebM, Matroska, QuickTime, AVI or GIF.

    Args:
        data: the whole file.
        max_frames: the most frames wanted.
        limits: larger clips are refused.

    Returns:
        1 to `max_frames` RGB pictures in the order of time, no two of them alike.

    Raises:
        InvalidVideo: the file is empty, too long, too large, of another format, without pictures, or broken.
    """
    if not data:
        raise InvalidVideo("video is empty: 0 bytes")
    if len(data) > limits.max_bytes:
        raise InvalidVideo(f"video has {len(data)} bytes, more than the {limits.max_bytes} allowed")
    try:
        seconds = _seconds(data)
        with open_container(data) as container:
            frames = distinct_frames(_candidates(container, seconds, limits), max_frames)
    except CONTAINER_ERRORS as error:
        raise InvalidVideo(f"video of {len(data)} bytes cannot be decoded: {error_summary(error)}") from error
    if not frames:
        raise InvalidVideo("video has no frame that can be decoded")
    return frames


def distinct_frames(frames: Iterator[Image.Image], most: int) -> list[Image.Image]:
    """At most `most` frames, evenly spread over those that differ from all before them; blank ones only if all are."""
    kept: list[_Candidate] = []
    for image in frames:
        candidate = _Candidate(image, _thumbnail(image))
        if all(np.abs(candidate.thumbnail - earlier.thumbnail).mean() > _MIN_FRAME_DIFFERENCE for earlier in kept):
            kept.append(candidate)
    with_content = [candidate for candidate in kept if candidate.thumbnail.std() > _BLANK_CONTRAST] or kept
    return [with_content[at].image for at in _spread(len(with_content), most)]


def _spread(count: int, most: int) -> Sequence[int]:
    """At most `most` positions at even distances from 0 to `count` − 1, both included."""
    return sorted({round(at) for at in np.linspace(0, count - 1, min(count, most))}) if count else ()


def _thumbnail(image: Image.Image) -> FloatArray:
    return np.asarray(image.convert("L").resize(_THUMBNAIL, Image.Resampling.BOX), np.float32)


def _seconds(data: bytes) -> float:
    """How long a clip lasts, from its packets where its header does not say: recorders write it while they record."""
    with open_container(data) as container:
        if (stated := stated_seconds(container)) is not None or not container.streams.video:
            return stated or 0.0
        packets = container.demux(container.streams.video[0])
        return max(
            (float(packet.pts * packet.time_base) for packet in packets if packet.pts is not None and packet.time_base),
            default=0,
        )


def _candidates(container: InputContainer, seconds: float, limits: ClipLimits) -> Iterator[Image.Image]:
    """Some `_CANDIDATES` frames at even distances in time. Raises `InvalidVideo` where the clip is too large."""
    _check(container, seconds, limits)
    step = seconds / _CANDIDATES
    next_at = 0.0
    taken = 0
    for frame in _frames(container, seconds, step, limits):
        at = frame.time or 0.0
        if at + 1e-6 < next_at or taken >= 2 * _CANDIDATES:
            continue
        next_at, taken = max(next_at, at) + step, taken + 1
        yield _small(cast("Image.Image", frame.to_image()))  # pyright: ignore[reportUnknownMemberType]


def _small(image: Image.Image) -> Image.Image:
    """A frame of at most `_KEPT_PIXELS`: all candidates of a clip are kept until the last one is known."""
    factor = math.ceil(math.sqrt(image.width * image.height / _KEPT_PIXELS))
    return image if factor <= 1 else image.reduce((min(factor, image.width), min(factor, image.height)))


def _check(container: InputContainer, seconds: float, limits: ClipLimits) -> None:
    if not container.streams.video:
        raise InvalidVideo("video has no moving picture")
    # None where FFmpeg knows no decoder, whatever the types say.
    track: VideoCodecContext | None = container.streams.video[0].codec_context
    if track is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise InvalidVideo("video is coded in a way that is not known")
    if track.width < 1 or track.height < 1:
        raise InvalidVideo(f"video is {track.width} × {track.height} pixels")
    size = f"{track.width} × {track.height} pixels"
    if track.width * track.height > limits.max_pixels:
        raise InvalidVideo(f"video is {size}, more than the {limits.max_pixels} allowed")
    if seconds > limits.max_seconds:
        raise InvalidVideo(f"video lasts {seconds:.0f} s, more than the {limits.max_seconds:g} allowed")


def _frames(container: InputContainer, seconds: float, step: float, limits: ClipLimits) -> Iterator[av.VideoFrame]:
    """All reference frames of a short clip, key frames at least `step` seconds apart of a longer one.

    They end before the first frame that is broken, and with the limit of decoded pixels.
    """
    stream = container.streams.video[0]
    # One thread: the process may have no others, and each would keep frames of its own.
    stream.thread_type, stream.thread_count = "NONE", 1
    stream.codec_context.skip_frame = "NONREF"
    budget = limits.decoded_pixels
    key_frames_only = _pixels(container, seconds) > budget
    next_at, decoded = 0.0, False
    try:
        for packet in container.demux(stream):
            at = float(packet.pts * packet.time_base) if packet.pts is not None and packet.time_base else None
            if key_frames_only and packet.size and not (packet.is_keyframe and (at is None or at >= next_at)):
                continue
            next_at = at + step if at is not None else next_at
            for frame in packet.decode():
                _check_frame(frame, limits)
                decoded, budget = True, budget - frame.width * frame.height
                yield frame
                if budget < 0:
                    return
    except FFmpegError:
        if not decoded:
            raise


def _check_frame(frame: av.VideoFrame, limits: ClipLimits) -> None:
    """Check each frame: a stream may change its size on the way."""
    if frame.width * frame.height > limits.max_pixels:
        size = f"{frame.width} × {frame.height} pixels"
        raise InvalidVideo(f"video has a frame of {size}, more than {limits.max_pixels}")


def _pixels(container: InputContainer, seconds: float) -> float:
    """How many pixels all frames have together, as far as the header says."""
    stream = container.streams.video[0]
    size = stream.codec_context.width * stream.codec_context.height
    rate = float(stream.average_rate or 25)
    return size * (stream.frames or seconds * rate)
