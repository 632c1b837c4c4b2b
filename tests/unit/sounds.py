"""Small sounds and clips, made on the spot."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from PIL import Image


def tone(seconds: float = 1.0, rate: int = 16_000, channels: int = 1) -> bytes:
    """A WAV file of a tone of 440 Hz."""
    samples = (8_000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.repeat(samples, channels).tobytes())
    return file.getvalue()


def encoded(container: str, codec: str, seconds: float = 1.0) -> bytes:
    """A tone in a container such as `mp3`, `ogg`, `webm`."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=48_000, layout="mono")
        wave_ = (8_000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * 48_000)) / 48_000)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave_[None], format="s16", layout="mono")
        frame.sample_rate = 48_000
        for resampled in av.AudioResampler(stream.format, "mono", 48_000, stream.frame_size or None).resample(frame):
            out.mux(stream.encode(resampled))
        out.mux(stream.encode(None))
    return file.getvalue()


def clip(
    colours: Sequence[str], seconds: float = 2.0, size: tuple[int, int] = (64, 48), container: str = "mp4"
) -> bytes:
    """A clip that shows stripes of white and of each of these colours in turn, for as long."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream("mpeg4" if container == "mp4" else "libvpx", rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        count = max(len(colours), int(seconds * 10))
        for at in range(count):
            image = Image.new("RGB", size, colours[at * len(colours) // count])
            image.paste("white", (0, 0, size[0] // 3, size[1]))
            frame = av.VideoFrame.from_image(image)
            frame.pts, frame.time_base = at, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()
