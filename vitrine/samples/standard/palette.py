"""The colours that are told apart in pictures: a grid over those that a screen shows, by lightness and two opponents.

Photos of shelves are warm and dim, so that colours are few and their edges soft; lively ones count more than grey,
which shadows and shelves have too. Chosen by whether a product's other pictures find its main one, of products that are
no groceries.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders.pretrained.standard import PICTURE

_STEP: Final = 40.0
"""Between neighbouring colours; lightness goes from 0 to 100."""
_DARKEST: Final = 30.0
_SOFTNESS: Final = 10.0
"""Standard deviation of what is still a colour."""
_WHITE: Final = np.array([110.0, 0, 0])
"""The colour of the grid that margins have; from a lightness of 90 all greys are nearest to it."""
_EMPHASIS: Final = 25.0
"""A colour so far from grey counts twice as much as grey."""
_LEAST_LEVELS: Final = 40
"""How many of 33³ colours of a screen are nearest to one of the palette."""
_TO_OPPONENTS: Final = np.array([[0.299, 0.587, 0.114], [1.2, -1.2, 0], [0.6, 0.6, -1.2]]) * 100 / 255
"""RGB levels → lightness, red or green, yellow or blue."""


def palette() -> dict[str, Tensor]:
    """The tensors of `encoders.huggingface.palette.Palette`, float32: of 57 colours, and of white."""
    colours = _colours()
    told_apart = np.concatenate([colours, [_WHITE]])
    of_levels = told_apart @ _TO_OPPONENTS / _SOFTNESS**2
    shift = -0.5 * np.square(told_apart).sum(axis=1) / _SOFTNESS**2
    std, mean = (255 * np.array(PICTURE[name]) for name in ("image_std", "image_mean"))
    emphasis = 1 + np.hypot(colours[:, 1], colours[:, 2]) / _EMPHASIS
    return {
        "palette.near.weight": torch.from_numpy(of_levels * std).float()[:, :, None, None].contiguous(),
        "palette.near.bias": torch.from_numpy(shift + of_levels @ mean).float(),
        "palette.emphasis": torch.from_numpy(emphasis).float(),
    }


def _colours() -> NDArray[np.float64]:
    """Points (n, 3) of the grid that colours of a screen are near, but white."""
    levels = np.linspace(0, 255, 33)
    shown = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3) @ _TO_OPPONENTS.T
    cells, counts = np.unique(np.round((shown - [_DARKEST, 0, 0]) / _STEP), axis=0, return_counts=True)
    points = cells[counts > _LEAST_LEVELS] * _STEP + [_DARKEST, 0, 0]
    return points[(points != _WHITE).any(axis=1)]
