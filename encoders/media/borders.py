"""Plain borders and bars cut off pictures, so that the same goods fill the frame in each of their photos."""

from __future__ import annotations

import sys
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ANALYSIS_SIDE = 96
"""Least length in pixels of the longer side of the small copy that is searched; its pixels are fine enough."""
_TOLERANCE = 14
"""Levels of 255 by which a pixel may differ from the border's colour: compression leaves noise."""
_PLAIN_SHARE = 0.98
"""Share of a line's pixels that must have the border's colour."""
_MIN_REMAINING_SHARE = 0.15
"""Share of each side that must remain: less is a speck, and nothing is cut off."""
_ALL_NEAR = np.uint32(0x01010101)
"""Four times true."""
_MOST_BORDERS = 3
"""Borders within each other that are cut off, such as a white one within black bars."""

Picture = NDArray[np.uint32]
"""Pixels (height, width), each its red, green and blue level and a byte that says nothing."""
Colour = tuple[int, ...]
"""Its red, green and blue level."""
Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels."""


def trim_borders(image: Image.Image) -> Image.Image:
    """Cut plain borders off, the outermost first.

    A photo taken in a room or a street has no line of one colour at its edge, and comes back as it is.

    Args:
        image: an RGB picture.

    Returns:
        The part of it within its borders, or the picture itself.
    """
    factor = max(1, max(image.size) // _ANALYSIS_SIDE)
    small = image.reduce(factor) if factor > 1 else image
    pixels = np.frombuffer(small.tobytes("raw", "RGBX"), np.uint32).reshape(small.height, small.width)
    left, top, right, bottom = frame = (0, 0, small.width, small.height)
    for _ in range(_MOST_BORDERS):
        borders = _borders(pixels[top:bottom, left:right])
        if not any(borders):
            break
        left, top, right, bottom = left + borders[0], top + borders[1], right - borders[2], bottom - borders[3]
    if (left, top, right, bottom) == frame:
        return image
    # The last line of the small copy may stand for fewer lines of the picture than the others.
    return image.crop(
        (factor * left, factor * top, min(factor * right, image.width), min(factor * bottom, image.height))
    )


def _borders(pixels: Picture) -> Box:
    """Lines of border at each side of pixels (height, width), as a box; all 0 where only a speck would remain."""
    height, width = pixels.shape
    colours = [plain_colour(edge) for edge in (pixels[:, 0], pixels[0], pixels[:, -1], pixels[-1])]
    plain = {colour: _plain_lines(pixels, colour) for colour in {*colours} if colour is not None}
    # Whether each column is plain, or each row, from the first on or from the last on.
    lines = [
        _leading(plain[colour][side % 2 == 0][:: 1 if side < 2 else -1]) if colour is not None else 0
        for side, colour in enumerate(colours)
    ]
    left, top, right, bottom = lines
    is_speck = (
        width - left - right < _MIN_REMAINING_SHARE * width or height - top - bottom < _MIN_REMAINING_SHARE * height
    )
    return (0, 0, 0, 0) if is_speck else (left, top, right, bottom)


def _plain_lines(pixels: Picture, colour: Colour) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows (height,) and columns (width,) of pixels (height, width) are plain and of this colour."""
    height, width = pixels.shape
    lowest, spread = _range_around(colour, width)
    levels = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, 4 * width)
    # A level below the range wraps around to more than its width.
    is_near = ((levels - lowest <= spread).view(np.uint32) == _ALL_NEAR).astype(np.float32)
    # Sums as products with ones: several times faster than sums of bytes.
    rows, columns = is_near @ np.ones(width, np.float32), np.ones(height, np.float32) @ is_near
    return rows >= _PLAIN_SHARE * width, columns >= _PLAIN_SHARE * height


def _leading(plain: NDArray[np.bool_]) -> int:
    """How many lines are plain before the first that is not."""
    at = int(plain.argmin())
    return len(plain) if plain[at] else at


def plain_colour(line: Picture) -> Colour | None:
    """The red, green and blue level that nearly all pixels of a line (length,) are near; None: it is not plain.

    Of so few pixels Python's own bytes take a quarter of numpy's time, and most edges are over with the first level.
    """
    levels, near = line.tobytes(), -1
    colour: list[int] = []
    for channel in range(3):
        own = levels[channel::4]
        # A level that more than half of them have is the median, and most borders are that plain.
        middle = own[len(own) // 2]
        median = middle if 2 * own.count(middle) > len(own) else _median(own)
        near &= int.from_bytes(own.translate(_near_to(median)), sys.byteorder)
        if near.bit_count() < _PLAIN_SHARE * len(own):
            return None
        colour.append(median)
    return tuple(colour)


def _median(levels: bytes) -> int:
    """The upper median: numpy's selection in place takes a tenth of the time that Python's sorting does."""
    half, ordered = len(levels) // 2, bytearray(levels)
    np.frombuffer(ordered, np.uint8).partition(half)
    return ordered[half]


@cache
def _near_to(level: int) -> bytes:
    """For each level of 256, whether it is near this one: 1 or 0."""
    return bytes(abs(other - level) <= _TOLERANCE for other in range(256))


def _range_around(colour: Colour, length: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For a line of pixels, (4 · length,) each: the lowest levels near a colour, and how much higher they may be."""
    lowest = [max(0, level - _TOLERANCE) for level in colour]
    width = [min(255, level + _TOLERANCE) - low for level, low in zip(colour, lowest, strict=True)]
    # Repeated as bytes: of so few, arrays would take several times as long to fill.
    low, high = bytes([*lowest, 0]) * length, bytes([*width, 255]) * length
    return np.frombuffer(low, np.uint8), np.frombuffer(high, np.uint8)
