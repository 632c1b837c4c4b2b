"""Pictures resized by wide instructions are those that Pillow makes, but for rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from encoders.media import resizing
from encoders.media.resizing import resize_pixels

LENGTHS = st.integers(1, 300)
FILTERS = st.sampled_from(
    [Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]
)


def _photo(width: int, height: int) -> Image.Image:
    """Something with edges and soft places, as photos have them."""
    noise = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1.5))


@given(width=LENGTHS, height=LENGTHS, to_width=LENGTHS, to_height=LENGTHS, resample=FILTERS)
def test_it_makes_what_pillow_makes(
    width: int, height: int, to_width: int, to_height: int, resample: Image.Resampling
) -> None:
    photo = _photo(width, height)
    ours = resize_pixels(photo, (to_width, to_height), resample, 2.0)
    pillows = np.asarray(photo.resize((to_width, to_height), resample, reducing_gap=2.0))
    assert ours.shape == pillows.shape and ours.dtype == np.uint8
    difference = np.abs(ours.astype(int) - pillows)
    assert difference.mean() < 0.5
    assert difference.max() <= 16


def test_what_would_take_much_memory_is_left_to_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = _photo(300, 200)
    monkeypatch.setattr(resizing, "_COPIED_PIXELS", 100)
    ours = resize_pixels(photo, (64, 48), Image.Resampling.BICUBIC, 2.0)
    assert np.array_equal(ours, np.asarray(photo.resize((64, 48), Image.Resampling.BICUBIC, reducing_gap=2.0)))


def test_a_platform_without_it_resizes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resizing, "fast", None)
    assert resize_pixels(_photo(30, 20), (8, 6), Image.Resampling.BICUBIC, 2.0).shape == (6, 8, 3)
