"""Plain borders and bars cut off pictures, so that the same goods fill the frame in each of their photos."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ANALYSIS_SIDE = 96
"""Least length in pixels of the longer side of the small copy that is searched; its pixels are fine enough."""
_TOLERANCE = 14
"""Levels of 255 by which a pixel may differ from the border's colour: compression leaves noise."""
_PLAIN_SHARE = 0.98
"""Share of a line's pixels that must have the border's colour."""
_SAMPLED = 12
"""Pixels of an edge that are looked at first; up to twice as many."""
_MIN_REMAINING_SHARE = 0.15
"""Share of each side that must remain: less is a speck, and nothing is cut off."""
_ALL_NEAR = np.uint32(0x01010101)
"""Four times true."""
_MOST_BORDERS = 3
"""Borders within each other that are cut off, such as a white one within black bars."""

Picture = NDArray[np.uint32]
"""Pixels (height, width), each its red, green and blue level and a byte that says nothing."""
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
    left, top, right, bottom = (_plain_lines(view) for view in (pixels.T, pixels, pixels.T[::-1], pixels[::-1]))
    is_speck = (
        width - left - right < _MIN_REMAINING_SHARE * width or height - top - bottom < _MIN_REMAINING_SHARE * height
    )
    return (0, 0, 0, 0) if is_speck else (left, top, right, bottom)


def _plain_lines(pixels: Picture) -> int:
    """How many lines of pixels (lines, length), from the first on, are plain and of one colour."""
    lines, length = pixels.shape
    first = _levels(pixels[:1])
    if not may_be_plain(first[0, :, :3]):
        return 0
    # The median, in a tenth of the time that numpy's takes.
    lowest, width = _range_around(np.sort(first[0], axis=0)[length // 2].tolist(), length)
    start, count = 0, 1
    while start < lines:
        levels = _levels(pixels[start : start + count]).reshape(-1, 4 * length)
        # A level below the range wraps around to more than its width.
        is_near = (levels - lowest <= width).view(np.uint32) == _ALL_NEAR
        plain = np.add.reduce(is_near.view(np.uint8), axis=1, dtype=np.uint32) >= _PLAIN_SHARE * length
        at = int(plain.argmin())
        if not plain[at]:
            return start + at
        # Most edges have no border, and most borders are narrow.
        start, count = start + count, 8 * count
    return lines


def _range_around(colour: list[int], length: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For a line of pixels, (4 · length,) each: the lowest levels near a colour, and how much higher they may be."""
    lowest = [max(0, level - _TOLERANCE) for level in colour[:3]]
    width = [min(255, level + _TOLERANCE) - low for level, low in zip(colour, lowest, strict=False)]
    low, high = int.from_bytes([*lowest, 0], sys.byteorder), int.from_bytes([*width, 255], sys.byteorder)
    return np.full(length, low, np.uint32).view(np.uint8), np.full(length, high, np.uint32).view(np.uint8)


def _levels(pixels: Picture) -> NDArray[np.uint8]:
    """Pixels (lines, length) as levels (lines, length, 4)."""
    return np.ascontiguousarray(pixels).view(np.uint8).reshape(*pixels.shape, 4)


def may_be_plain(line: NDArray[np.uint8]) -> bool:
    """Whether a line (length, 3) can be plain, by a few of its pixels: False for nearly every edge of a photo.

    Nothing else is spared: a line that is plain is never refused here.
    """
    exceptions = len(line) - int(_PLAIN_SHARE * len(line))
    # Of a plain line's pixels at most so many are off, hence at most so many of these; the others are near one colour.
    return all(_are_near(levels, exceptions) for levels in line[:: len(line) // _SAMPLED or 1].T.tolist())


def _are_near(levels: list[int], exceptions: int) -> bool:
    """Whether all but so many of the levels can be near one."""
    ordered, kept = sorted(levels), max(1, len(levels) - exceptions)
    return any(high - low <= 2 * _TOLERANCE for low, high in zip(ordered, ordered[kept - 1 :], strict=False))
