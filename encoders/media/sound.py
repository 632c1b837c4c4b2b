"""Sound files to mono samples at the rate that speech recognisers take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from encoders.errors import InvalidAudio
from encoders.media.containers import CONTAINER_ERRORS, error_summary, open_container, stated_seconds

Samples = NDArray[np.int16]
"""Mono samples (n,) int16 at `SAMPLE_RATE_HZ`."""
SAMPLE_RATE_HZ: Final = 16_000
"""Samples a second: what speech recognisers are trained on."""
MAX_BYTES: Final = 10_000_000
MAX_CHANNELS: Final = 8
_RATES: Final = (4_000, 384_000)
"""The lowest and highest sample rate taken, in Hz."""
_SILENCE: Final = 16.0
"""Root mean square of silence, at most, in levels of 32,768."""
_FRAME: Final = SAMPLE_RATE_HZ // 50
"""Samples of a frame of 20 ms."""
_LEAST_FRAMES: Final = 3
"""Frames in a row that must be loud: the shortest sounds of speech last as long, and clicks do not."""
_STANDS_OUT_DB: Final = 12.0
"""How much louder than the quiet frames speech is, at least."""
_SPEECH_RANGE_DB: Final = 32.0
"""How much quieter than the loud frames the quietest sounds of speech are, at most."""
_MARGIN: Final = SAMPLE_RATE_HZ // 5
"""Samples kept before and after speech: words begin and end in breath."""
_LOOSE: Final = 1.5
"""Lengths in headers are estimates: a sound is refused by its header from this many times the longest taken."""


def decode_sound(data: bytes, max_seconds: float, max_bytes: int = MAX_BYTES) -> Samples:
    """Decode the first sound track of a file: WAV, MP3, Ogg (Opus, Vorbis), WebM, MP4, FLAC, AAC or AMR.

    Args:
        data: the whole file; a clip with sound is one too.
        max_seconds: a longer sound is refused.
        max_bytes: a longer file is refused.

    Returns:
        Samples (n,) int16 at `SAMPLE_RATE_HZ`, the mean of all channels, at least one sample.

    Raises:
        InvalidAudio: the file is empty, too long, of another format, without sound, truncated or broken.
    """
    if not data:
        raise InvalidAudio("audio is empty: 0 bytes")
    if len(data) > max_bytes:
        raise InvalidAudio(f"audio has {len(data)} bytes, more than the {max_bytes} allowed")
    try:
        with open_container(data) as container:
            return _decode(container, max_seconds)
    except CONTAINER_ERRORS as error:
        raise InvalidAudio(f"audio of {len(data)} bytes cannot be decoded: {error_summary(error)}") from error


def is_silent(samples: Samples) -> bool:
    """Whether samples (n,) int16 are too quiet to hear: recognisers make up words for silence."""
    return float(np.sqrt(np.mean(samples.astype(np.float32) ** 2))) < _SILENCE


def trim_silence(samples: Samples) -> Samples:
    """Cut off what is quieter than speech before and after it: recognisers would take a microphone's noise for words.

    Args:
        samples: (n,) int16 at `SAMPLE_RATE_HZ`.

    Returns:
        The part from the first to the last loud frames with a margin; all of it where no frames stand out.
    """
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float32)
    if not len(frames):
        return samples
    levels = 10 * np.log10(np.mean(frames**2, axis=1) + 1.0)
    quiet, loud = np.quantile(levels, (0.1, 0.95))
    if loud - quiet < _STANDS_OUT_DB:
        return samples
    # The sum over `_LEAST_FRAMES` frames drops clicks.
    loud_frames = np.convolve(
        levels > max(quiet + _STANDS_OUT_DB / 2, loud - _SPEECH_RANGE_DB), np.ones(_LEAST_FRAMES), "valid"
    )
    places = np.flatnonzero(loud_frames == _LEAST_FRAMES)
    if not len(places):
        return samples
    start, stop = int(places[0]) * _FRAME - _MARGIN, (int(places[-1]) + _LEAST_FRAMES) * _FRAME + _MARGIN
    return samples[max(0, start) : stop]


def _decode(container: InputContainer, max_seconds: float) -> Samples:
    if not container.streams.audio:
        raise InvalidAudio("audio has no sound track")
    stated = stated_seconds(container)
    if stated is not None and stated > _LOOSE * max_seconds:
        raise InvalidAudio(f"audio lasts {stated:.0f} s, more than the {max_seconds:g} allowed")
    _check_track(container)
    pieces: list[Samples] = []
    left = int(max_seconds * SAMPLE_RATE_HZ)
    for piece in _resampled(container):
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise InvalidAudio(f"audio lasts more than the {max_seconds:g} s allowed")
    if not any(len(piece) for piece in pieces):
        raise InvalidAudio("audio has a sound track with nothing in it")
    return np.concatenate(pieces)


def _check_track(container: InputContainer) -> None:
    track = container.streams.audio[0]
    # None where FFmpeg knows no decoder, whatever the types say.
    codec: AudioCodecContext | None = track.codec_context
    if codec is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise InvalidAudio("audio is coded in a way that is not known")
    if not 1 <= track.channels <= MAX_CHANNELS:
        raise InvalidAudio(f"audio has {track.channels} channels; 1 to {MAX_CHANNELS} are taken")
    low, high = _RATES
    if not low <= track.rate <= high:
        raise InvalidAudio(f"audio has {track.rate} samples a second; {low} to {high} are taken")


def _resampled(container: InputContainer) -> Iterator[Samples]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    for frame in _frames(container):
        yield from (piece.to_ndarray()[0] for piece in resampler.resample(frame))
    yield from (piece.to_ndarray()[0] for piece in resampler.resample(None))


def _frames(container: InputContainer) -> Iterator[av.AudioFrame]:
    """The frames before the first broken one: what was said until then can still be understood."""
    decoded = False
    try:
        stream = container.streams.audio[0]
        # The process may have no other threads.
        stream.codec_context.thread_type, stream.codec_context.thread_count = "NONE", 1
        for frame in container.decode(stream):
            decoded = True
            yield frame
    except FFmpegError:
        if not decoded:
            raise
