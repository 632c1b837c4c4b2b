"""Surfaces of materials as hard-light maps: knit stitches, twill, leather grain, wood, brushed metal."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.floating[Any]]
_SIDE = 512
_AT_PX = 512


@lru_cache(maxsize=96)
def texture(material: str, px: int) -> Image.Image:
    """The material's map for a drawing of this size (px, px), RGB, 128 neutral; treat as read-only."""
    field = TEXTURES[material](np.random.default_rng(sum(map(ord, material))))
    levels = Image.fromarray(np.clip(field * 255 + 128, 0, 255).astype(np.uint8))
    levels = levels.resize((px, px), Image.Resampling.LANCZOS) if px != _AT_PX else levels
    return Image.merge("RGB", (levels, levels, levels))


def noise(rng: np.random.Generator, cells_x: int, cells_y: int) -> Field:
    """Smooth noise (512, 512) around 0 with about unit range."""
    grid = rng.random((cells_y, cells_x)).astype(np.float32)
    return np.asarray(Image.fromarray(grid).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)) - np.float32(0.5)


def _grid() -> tuple[Field, Field]:
    axis = np.arange(_SIDE, dtype=np.float32)
    return axis[None, :], axis[:, None]


def _cotton(rng: np.random.Generator) -> Field:
    return noise(rng, 256, 256) * 0.07 + noise(rng, 24, 24) * 0.05


def _knit(rng: np.random.Generator) -> Field:
    x, y = _grid()
    slant = np.abs((x % 16) - 8)
    stitches = np.sin((y + slant * 1.1) * (2 * np.pi / 13)) * 0.13 - np.exp(-((x % 16 - 8) ** 2) / 5) * 0.12
    return stitches + noise(rng, 128, 128) * 0.06


def _wool(rng: np.random.Generator) -> Field:
    return noise(rng, 170, 170) * 0.2 + noise(rng, 60, 60) * 0.1 + noise(rng, 12, 12) * 0.04


def _denim(rng: np.random.Generator) -> Field:
    x, y = _grid()
    twill = np.sin((x + y) * (2 * np.pi / 7)) * 0.08
    return twill + noise(rng, 256, 90) * 0.14 + noise(rng, 7, 7) * 0.12


def _leather(rng: np.random.Generator) -> Field:
    cracks = np.abs(noise(rng, 70, 70)) + np.abs(noise(rng, 110, 110)) * 0.6
    return np.clip(cracks, 0, 0.25) * 0.55 - 0.08 + noise(rng, 8, 8) * 0.1


def _suede(rng: np.random.Generator) -> Field:
    return noise(rng, 220, 220) * 0.09 + noise(rng, 18, 30) * 0.14


def _satin(rng: np.random.Generator) -> Field:
    x, y = _grid()
    return np.sin((x * 0.6 + y * 0.35) * 0.035 + noise(rng, 5, 5) * 7) * 0.14


def _fleece(rng: np.random.Generator) -> Field:
    return noise(rng, 90, 90) * 0.2 + noise(rng, 200, 200) * 0.1


def _mesh(rng: np.random.Generator) -> Field:
    x, y = _grid()
    holes = np.cos(x * (2 * np.pi / 9)) * np.cos((y + (x // 9 % 2) * 4) * (2 * np.pi / 9))
    return -np.clip(holes, 0.25, 1) * 0.22 + 0.06 + noise(rng, 30, 30) * 0.03


def _linen(rng: np.random.Generator) -> Field:
    return noise(rng, 256, 20) * 0.1 + noise(rng, 20, 256) * 0.1 + noise(rng, 200, 200) * 0.06


def _corduroy(rng: np.random.Generator) -> Field:
    x, _ = _grid()
    return np.broadcast_to(np.sin(x * (2 * np.pi / 14)) * 0.17, (_SIDE, _SIDE)) + noise(rng, 120, 60) * 0.05


def _nylon(rng: np.random.Generator) -> Field:
    x, y = _grid()
    ripstop = ((x % 20 < 2) | (y % 20 < 2)) * np.float32(0.05)
    return ripstop + noise(rng, 9, 7) * 0.16


def _velvet(rng: np.random.Generator) -> Field:
    return noise(rng, 10, 6) * 0.3 + noise(rng, 256, 256) * 0.06


def _canvas(rng: np.random.Generator) -> Field:
    x, y = _grid()
    weave = np.sin(x * (2 * np.pi / 6)) * np.sin(y * (2 * np.pi / 6)) * 0.09
    return weave + noise(rng, 120, 120) * 0.08


def _straw(rng: np.random.Generator) -> Field:
    x, y = _grid()
    over = ((x // 14 + y // 14) % 2) > 0
    return np.where(over, np.sin(x * (2 * np.pi / 14)), np.sin(y * (2 * np.pi / 14))) * 0.2 + noise(rng, 90, 90) * 0.08


def _rubber(rng: np.random.Generator) -> Field:
    return noise(rng, 256, 256) * 0.05


def _wood(rng: np.random.Generator) -> Field:
    _, y = _grid()
    rings = np.sin(y * 0.11 + noise(rng, 4, 10) * 16 + noise(rng, 3, 40) * 3) * 0.1
    return rings + noise(rng, 20, 256) * 0.12 + noise(rng, 6, 90) * 0.1


def _metal(rng: np.random.Generator) -> Field:
    return noise(rng, 6, 256) * 0.08 + noise(rng, 5, 4) * 0.14


def _ceramic(rng: np.random.Generator) -> Field:
    return noise(rng, 7, 7) * 0.06 + (noise(rng, 256, 256) > 0.47) * np.float32(-0.12)


def _plastic(rng: np.random.Generator) -> Field:
    return noise(rng, 6, 6) * 0.04


def _marble(rng: np.random.Generator) -> Field:
    veins = np.abs(noise(rng, 6, 5) + noise(rng, 20, 20) * 0.25)
    return -np.clip(0.05 - veins, 0, 1) * 5 + noise(rng, 12, 12) * 0.1


TEXTURES: dict[str, Callable[[np.random.Generator], Field]] = {
    "cotton": _cotton,
    "knit": _knit,
    "wool": _wool,
    "denim": _denim,
    "leather": _leather,
    "suede": _suede,
    "satin": _satin,
    "fleece": _fleece,
    "mesh": _mesh,
    "linen": _linen,
    "corduroy": _corduroy,
    "nylon": _nylon,
    "velvet": _velvet,
    "canvas": _canvas,
    "straw": _straw,
    "rubber": _rubber,
    "wood": _wood,
    "metal": _metal,
    "ceramic": _ceramic,
    "plastic": _plastic,
    "marble": _marble,
}
