"""Clips of unknown origin: a few frames that differ, and a reason where there are none."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from encoders.errors import InvalidVideo
from encoders.media.clips import DEFAULT_LIMITS, MAX_FRAMES, ClipLimits, clip_frames, distinct_frames
from tests.stack import shared_data
from tests.unit.sounds import clip, tone


def colours(frames: list[Image.Image]) -> list[str]:
    """What each frame's right side mostly is."""
    names = {"red": 0, "green": 1, "blue": 2}
    found = []
    for frame in frames:
        mean = np.asarray(frame)[:, frame.width // 2 :].reshape(-1, 3).mean(0)
        found.append(min(names, key=lambda name: -mean[names[name]]))
    return found


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_scenes_come_once_each_and_in_their_order(container: str) -> None:
    frames = clip_frames(clip(["red", "lime", "blue"], container=container))
    assert colours(frames) == ["red", "green", "blue"] and frames[0].size == (64, 48)


def test_a_still_clip_is_one_picture() -> None:
    assert len(clip_frames(clip(["red"], seconds=3))) == 1


def test_no_more_frames_than_wanted_spread_over_the_clip() -> None:
    shown = clip(["red", "lime", "blue", "red", "lime"], seconds=4)
    assert colours(clip_frames(shown, max_frames=2)) == ["red", "blue"]


def test_only_key_frames_of_a_large_clip_are_decoded() -> None:
    limits = ClipLimits(decoded_pixels=10_000)
    assert 1 <= len(clip_frames(clip(["red", "lime", "blue"], seconds=6), limits=limits)) <= 3


def test_blank_frames_count_only_where_there_is_nothing_else() -> None:
    blank, seen = Image.new("RGB", (32, 32)), Image.linear_gradient("L").convert("RGB").resize((32, 32))
    assert distinct_frames(iter([blank, seen, blank]), 8) == [seen]
    assert distinct_frames(iter([blank, blank]), 8) == [blank]


REFUSED = {
    "empty": (b"", "empty"),
    "junk": (os.urandom(2_000), "cannot be decoded"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "known formats"),
    "sound": (tone(), "no moving picture"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_looked_at_is_refused_by_its_fault(data: bytes, why: str) -> None:
    with pytest.raises(InvalidVideo, match=why):
        clip_frames(data)


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (ClipLimits(max_bytes=10), "bytes, more than"),
        (ClipLimits(max_pixels=1_000), "64 × 48 pixels, more than the 1000 allowed"),
        (ClipLimits(max_seconds=1.0), "lasts 2 s, more than the 1 allowed"),
    ],
    ids=["bytes", "pixels", "seconds"],
)
def test_bytes_size_and_length_are_bounded(limits: ClipLimits, why: str) -> None:
    with pytest.raises(InvalidVideo, match=why):
        clip_frames(clip(["red"]), limits=limits)
    assert clip_frames(clip(["red"]), limits=DEFAULT_LIMITS)


def test_noise_in_a_file_never_fails_in_any_other_way() -> None:
    data, generator = clip(["red", "blue"]), np.random.default_rng(0)
    for _ in range(40):
        broken = bytearray(data)
        for at in generator.integers(0, len(data), 30):
            broken[at] = int(generator.integers(0, 256))
        try:
            clip_frames(bytes(broken))
        except InvalidVideo:
            continue


@pytest.mark.parametrize("name", ["gesture_eat.mkv", "bottle_preview.gif"])
def test_real_clips_are_looked_at(name: str) -> None:
    assert 1 <= len(clip_frames((shared_data() / "video" / name).read_bytes())) <= MAX_FRAMES
