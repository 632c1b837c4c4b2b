"""Plain borders cut off pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from encoders.media.borders import plain_colour, trim_borders
from encoders.media.preparation import FixedSizePreparer


def photo(width: int = 60, height: int = 40, seed: int = 0) -> Image.Image:
    """A picture of many colours up to its edges."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.NEAREST)


def framed(picture: Image.Image, left: int, top: int, right: int, bottom: int, colour: str) -> Image.Image:
    frame = Image.new("RGB", (picture.width + left + right, picture.height + top + bottom), colour)
    frame.paste(picture, (left, top))
    return frame


@pytest.mark.parametrize("colour", ["white", "black", "#ececec"])
@pytest.mark.parametrize("sides", [(20, 30, 10, 5), (0, 25, 0, 25), (30, 0, 0, 0)])
def test_borders_and_bars_are_cut_off(colour: str, sides: tuple[int, int, int, int]):
    assert trim_borders(framed(photo(), *sides, colour)).tobytes() == photo().tobytes()


def test_a_border_within_another_is_cut_off_too():
    inner = framed(photo(), 12, 12, 12, 12, "white")
    assert trim_borders(framed(inner, 0, 20, 0, 20, "black")).size == photo().size


def test_noise_of_compression_is_border_still():
    rng = np.random.default_rng(1)
    levels = np.asarray(framed(photo(), 20, 20, 20, 20, "white"), np.int16)
    noisy = np.clip(levels - rng.integers(0, 8, levels.shape), 0, 255).astype(np.uint8)
    assert trim_borders(Image.fromarray(noisy)).size == photo().size


def test_a_photo_without_a_border_stays_as_it_is():
    assert trim_borders(photo()) is not None and trim_borders(photo()).size == (60, 40)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (64, 64), (3000, 2)])
def test_a_picture_of_one_colour_stays_as_it_is(size: tuple[int, int]):
    assert trim_borders(Image.new("RGB", size, "white")).size == size


def test_a_speck_is_no_goods():
    assert trim_borders(framed(photo(6, 4), 100, 100, 100, 100, "white")).size == (206, 204)


def test_large_pictures_are_cut_to_within_a_hundredth():
    cut = trim_borders(framed(photo(900, 600), 300, 500, 300, 100, "white"))
    assert abs(cut.width - 900) <= 30 and abs(cut.height - 600) <= 30


def test_a_preparer_frames_the_same_goods_alike_only_if_it_is_told_to():
    plain, trimming = FixedSizePreparer((16, 16)), FixedSizePreparer((16, 16), trim=True)
    bordered = framed(photo(), 30, 30, 30, 30, "white")
    assert np.array_equal(trimming(bordered), trimming(photo()))
    assert np.array_equal(trimming(photo()), plain(photo()))
    assert not np.array_equal(plain(bordered), plain(photo()))


@given(st.integers(1, 150), st.integers(0, 255), st.data())
def test_a_line_within_the_noise_of_compression_is_plain(length: int, level: int, data: st.DataObject):
    line = np.full((length, 3), level, np.int16)
    line += np.array(data.draw(st.lists(st.integers(-7, 7), min_size=length, max_size=length)))[:, None].astype(
        np.int16
    )
    off = data.draw(st.sets(st.integers(0, length - 1), max_size=length // 50))
    line[list(off)] = data.draw(st.integers(0, 255))
    pixels = Image.fromarray(np.clip(line, 0, 255).astype(np.uint8)[None]).tobytes("raw", "RGBX")
    assert plain_colour(np.frombuffer(pixels, np.uint32)) is not None
