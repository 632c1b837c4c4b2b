"""Plain borders and bars cut off pictures, so that the same goods fill the frame in each of their photos."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ANALYSIS_SIDE = 96
"""Least length in pixels of the longer side of the small copy that is searched; its pixels are fine enough."""
_LINES_AT_ONCE = 8
"""Lines compared at a time."""
_TOLERANCE = 14
"""Levels of 255 by which a pixel may differ from the border's colour: compression leaves noise."""
_PLAIN_SHARE = 0.98
"""Share of a line's pixels that must have the border's colour."""
_SAMPLED = 12
"""Pixels of an edge that are looked at first; up to twice as many."""
_MIN_REMAINING_SHARE = 0.15
"""Share of each side that must remain: less is a speck, and nothing is cut off."""
_MOST_BORDERS = 3
"""Borders within each other that are cut off, such as a white one within black bars."""

Planes = NDArray[np.int16]
"""Colour planes (3, height, width) with levels from 0 to 255."""
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
    levels = np.asarray(image.reduce(factor))
    if not any(may_be_plain(line) for line in (levels[0], levels[-1], levels[:, 0], levels[:, -1])):
        return image
    small = levels.astype(np.int16).transpose(2, 0, 1)
    left, top, right, bottom = frame = (0, 0, small.shape[2], small.shape[1])
    for _ in range(_MOST_BORDERS):
        borders = _borders(small[:, top:bottom, left:right])
        if not any(borders):
            break
        left, top, right, bottom = left + borders[0], top + borders[1], right - borders[2], bottom - borders[3]
    if (left, top, right, bottom) == frame:
        return image
    # The last line of the small copy may stand for fewer lines of the picture than the others.
    return image.crop(
        (factor * left, factor * top, min(factor * right, image.width), min(factor * bottom, image.height))
    )


def _borders(planes: Planes) -> Box:
    """Lines of border at each side of planes (3, height, width), as a box; all 0 where only a speck would remain."""
    _, height, width = planes.shape
    turned = planes.transpose(0, 2, 1)
    left, top, right, bottom = (_plain_lines(view) for view in (turned, planes, turned[:, ::-1], planes[:, ::-1]))
    is_speck = (
        width - left - right < _MIN_REMAINING_SHARE * width or height - top - bottom < _MIN_REMAINING_SHARE * height
    )
    return (0, 0, 0, 0) if is_speck else (left, top, right, bottom)


def _plain_lines(planes: Planes) -> int:
    """How many lines of planes (3, lines, length), from the first on, are plain and of one colour."""
    # The median of the first line, in a tenth of the time that numpy's takes.
    colour = np.sort(planes[:, 0], axis=1)[:, planes.shape[2] // 2, None, None]
    lines = planes.shape[1]
    # Most photos have no border, and most borders are narrow: the first few lines mostly suffice.
    for start in range(0, lines, _LINES_AT_ONCE):
        near = np.abs(planes[:, start : start + _LINES_AT_ONCE] - colour) <= _TOLERANCE
        plain = np.mean(near[0] & near[1] & near[2], axis=1) >= _PLAIN_SHARE
        if not plain.all():
            return start + int(np.argmin(plain))
    return lines


def may_be_plain(line: NDArray[np.uint8]) -> bool:
    """Whether a line (length, 3) can be plain, by a few of its pixels: False for nearly every edge of a photo.

    Nothing else is spared: a line that is plain is never refused here.
    """
    exceptions = len(line) - int(_PLAIN_SHARE * len(line))
    # Of a plain line's pixels at most so many are off, hence at most so many of these; the others are near one colour.
    sampled = line[:: len(line) // _SAMPLED or 1].T.tolist()
    return all(_spread(levels, exceptions) <= 2 * _TOLERANCE for levels in sampled)


def _spread(levels: list[int], exceptions: int) -> int:
    """The least difference between the largest and the smallest level, once so many of them are left out."""
    ordered, kept = sorted(levels), max(1, len(levels) - exceptions)
    return min(ordered[start + kept - 1] - ordered[start] for start in range(len(levels) - kept + 1))
