"""The decoder of sounds and clips stays within its memory and time, and is there for the next file."""

from __future__ import annotations

import io
import re
import struct
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from encoders.errors import InvalidAudio, InvalidVideo
from encoders.media.preparation import FixedSizePreparer
from encoders.processes.media_decoding import ClipsConfig, MediaDecoderProcess

CONFIG = ClipsConfig(deadline_s=120)
PREPARER = FixedSizePreparer(shortest_edge=224, crop=(224, 224), trim=True)


def _clip(size: tuple[int, int], frames: int, options: dict[str, str], pixels: str = "yuv420p") -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0)
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "crf": "48"} | options)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        for _ in range(frames):
            picture = Image.fromarray(noise.integers(0, 255, (9, 16, 3), np.uint8)).resize(size)
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return file.getvalue()


@pytest.mark.parametrize(
    ("size", "options"),
    [((3_840, 2_160), {"refs": "16", "bf": "8", "g": "250"}), ((1_020, 1_020), {}), ((4_090, 512), {})],
)
async def test_large_clips_stay_within_the_memory_of_the_decoder(
    size: tuple[int, int], options: dict[str, str]
) -> None:
    async with MediaDecoderProcess(PREPARER, CONFIG) as decoder:
        frames = await decoder.frames(_clip(size, 20, options))
        assert isinstance(frames, list) and len(frames) > 1, frames
        assert _peak_bytes(decoder.pids[0]) <= CONFIG.memory_bytes


async def test_a_clip_that_needs_more_is_refused_and_ends_no_process() -> None:
    heavy = _clip((4_090, 2_190), 24, {"refs": "16", "bf": "8", "g": "250"}, "yuv444p10le")
    async with MediaDecoderProcess(PREPARER, ClipsConfig(deadline_s=120, memory_bytes=2**28)) as decoder:
        assert not isinstance(await decoder.sound(_sound(1.0), 5), InvalidAudio)
        pids = decoder.pids
        outcome = await decoder.frames(heavy)
        # What could be decoded before memory ran out is taken.
        assert isinstance(outcome, InvalidVideo) or 0 < len(outcome) <= CONFIG.frames
        assert decoder.pids == pids
        assert _peak_bytes(decoder.pids[0]) <= 2**28 + 2**26


async def test_a_sound_without_end_is_refused_when_it_has_lasted_long_enough() -> None:
    async with MediaDecoderProcess(PREPARER, CONFIG) as decoder:
        for file in (_sound(600.0), _endless_sound()):
            outcome = await decoder.sound(file, 30)
            assert isinstance(outcome, InvalidAudio) and re.search("lasts", str(outcome)), outcome
        assert _peak_bytes(decoder.pids[0]) <= 2**28


@pytest.mark.parametrize("samples", [2**31 - 1, 2**32 - 1])
async def test_a_container_that_states_endless_tables_is_refused(samples: int) -> None:
    clip = _clip((320, 180), 4, {})
    at = clip.index(b"stsz")
    # All samples of one size, and so many of them: no table follows in the file.
    bomb = clip[: at + 8] + struct.pack(">II", 1, samples) + clip[at + 16 :]
    async with MediaDecoderProcess(PREPARER, CONFIG) as decoder:
        await decoder.frames(bomb)
        assert isinstance(await decoder.frames(clip), list)
        assert _peak_bytes(decoder.pids[0]) <= CONFIG.memory_bytes


def _sound(seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 8_000, 0, "NONE", ""))
        writer.writeframes(bytes(int(seconds * 16_000)))
    return file.getvalue()


def _endless_sound() -> bytes:
    """A recording whose header does not say how long it is."""
    data = bytearray(_sound(600.0))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    return bytes(data)


def _peak_bytes(pid: int) -> int:
    """The most resident memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1_024 * int(status.partition("VmHWM:")[2].split()[0])
