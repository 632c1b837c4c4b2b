"""How a picture frames what it shows: plain borders and bars cut off, so that the same goods fill the frame alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_LOOKED_AT = 128
"""Longer side in pixels of the small copy that is looked at: borders are no finer."""
_TOLERANCE = 14
"""Levels by which a border's pixel may differ from its colour: compression leaves some noise."""
_PLAIN_SHARE = 0.98
"""Of a line's pixels, how many have to be of the border's colour."""
_LEAST_SIDE = 0.15
"""Of each side, what has to be left: less is a speck."""
_MOST_BORDERS = 3
"""One within another: a photo on white, with black bars."""

Pixels = NDArray[np.int16]
Box = tuple[int, int, int, int]
"""(left, top, right, bottom)."""


def trimmed(image: Image.Image) -> Image.Image:
    """Cut plain borders off, bars around others first.

    A photo taken anywhere has no line of one colour at its edge, and is given back as it is.

    Args:
        image: RGB.
    """
    for _ in range(_MOST_BORDERS):
        box = _goods(image)
        if box == (0, 0, *image.size):
            break
        image = image.crop(box)
    return image


def _goods(image: Image.Image) -> Box:
    """Where it is not border; all of it where there is no border, or next to nothing else."""
    scale = max(1.0, max(image.size) / _LOOKED_AT)
    size = max(1, round(image.width / scale)), max(1, round(image.height / scale))
    small = np.asarray(image.resize(size, Image.Resampling.BOX), np.int16)
    turned = small.transpose(1, 0, 2)
    left, top, right, bottom = (_lines(one) for one in (turned, small, turned[::-1], small[::-1]))
    if size[0] - left - right < _LEAST_SIDE * size[0] or size[1] - top - bottom < _LEAST_SIDE * size[1]:
        return (0, 0, *image.size)
    across, down = image.width / size[0], image.height / size[1]
    return (
        int(left * across),
        int(top * down),
        image.width - int(right * across),
        image.height - int(bottom * down),
    )


def _lines(pixels: Pixels) -> int:
    """How many lines from the first on are of the first one's colour; 0 where even that is not plain."""
    colour = np.median(pixels[0], axis=0)
    plain = np.mean(np.abs(pixels - colour).max(axis=2) <= _TOLERANCE, axis=1) >= _PLAIN_SHARE
    return len(plain) if plain.all() else int(np.argmin(plain))
