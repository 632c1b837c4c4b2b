"""Skins of fruit and vegetables: blush, streaks, speckles and mottling over a natural colour."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitrine.samples.catalogue.vocabulary import Rgb

Field = NDArray[np.floating[Any]]


@lru_cache(maxsize=64)
def _noise(side: int, cells: int, index: int) -> Field:
    rng = np.random.default_rng(cells * 100 + index)
    grid = Image.fromarray(rng.random((cells, cells)).astype(np.float32))
    return np.asarray(grid.resize((side, side), Image.Resampling.BICUBIC)) - np.float32(0.5)


@lru_cache(maxsize=8)
def _streaks(side: int, index: int) -> Field:
    """Streaks that run from a stem above the middle, as on apples."""
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    angle = np.arctan2(axis[None, :], axis[:, None] + 1.15)
    rng = np.random.default_rng(500 + index)
    fine, coarse = rng.random(240), rng.random(60)
    turns = np.linspace(-np.pi, np.pi, 240), np.linspace(-np.pi, np.pi, 60)
    field = np.interp(angle * 2.2, turns[0], fine) * 0.6 + np.interp(angle * 2.2, turns[1], coarse) * 0.6 - 0.6
    return field.astype(np.float32)


@lru_cache(maxsize=64)
def _speckles(side: int, share: float, index: int) -> Field:
    dots = np.random.default_rng(900 + index).random((side, side)) < share
    soft = Image.fromarray((dots * 255).astype(np.uint8)).resize((side * 2, side * 2), Image.Resampling.BILINEAR)
    return np.asarray(soft.resize((side, side), Image.Resampling.BOX), np.float32) / 255


def skin(
    px: int,
    base: Rgb,
    rng: random.Random,
    blush: Rgb | None = None,
    cover: float = 0.5,
    streaky: float = 0.0,
    mottle: float = 0.25,
    speckle: Rgb | None = None,
    dots: float = 0.006,
    rough: float = 0.0,
) -> Image.Image:
    """A skin (px, px), RGB.

    Args:
        base: ground colour.
        rng: this fruit's own numbers: no two fruits are alike.
        blush: colour of the side that saw the sun, over about `cover` (0..1) of the fruit.
        streaky: how much the blush runs in streaks, 0 to 1.
        mottle: uneven colour, 0 to 1.
        speckle: colour of dots, at a share `dots` of the pixels.
        rough: fine relief of peel, 0 to 1.
    """
    side = 64 if px < 120 else 128
    tint = np.asarray(base, np.float32) * rng.uniform(0.93, 1.05)
    field = np.empty((side, side, 3), np.float32)
    field[:] = tint
    if blush is not None:
        axis = np.linspace(-1, 1, side, dtype=np.float32)
        slope_x, slope_y = rng.uniform(-0.9, 0.9), rng.uniform(-0.5, 0.5)
        amount = axis[None, :] * slope_x + axis[:, None] * slope_y + (cover - 0.5) * 2.2
        amount = amount + _noise(side, 5, rng.randrange(4)) * 1.1 + _streaks(side, rng.randrange(4)) * 2.2 * streaky
        field += np.clip(amount * 0.9 + 0.5, 0, 1)[..., None] * (np.asarray(blush, np.float32) - field)
    uneven = 1 + _noise(side, 9, rng.randrange(4)) * mottle + _noise(side, 90, rng.randrange(3)) * (0.06 + rough * 0.5)
    field *= uneven[..., None]
    if speckle is not None:
        strength = np.clip(_speckles(side, dots, rng.randrange(3)) * 1.6, 0, 0.8)[..., None]
        field += strength * (np.asarray(speckle, np.float32) - field)
    return Image.fromarray(np.clip(field, 0, 255).astype(np.uint8)).resize((px, px), Image.Resampling.BILINEAR)
