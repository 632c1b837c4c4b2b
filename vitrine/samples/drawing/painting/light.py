"""Light on forms: shading maps from a silhouette, a cylinder or a ball, for Pillow's hard-light blend.

A shading map is an 8-bit picture in which 128 leaves a colour as it is, less darkens and more lightens it.
Maps are computed small and enlarged, since shading varies slowly: the cost hardly grows with the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Form = Literal["puff", "cylinder", "ball", "flat"]
Shade = NDArray[np.floating[Any]]
_MAP_PX = 40


@dataclass(frozen=True, slots=True)
class Light:
    """Where the light comes from, and how hard it is.

    Attributes:
        x, y: direction towards the light in the picture's plane, y down; length below 1.
        contrast: 1 is a studio's soft box; more is harder.
    """

    x: float = -0.45
    y: float = -0.6
    contrast: float = 1.0


def shading(mask: Image.Image, form: Form, light: Light, relief: float, gloss: float) -> Shade:
    """Shading (h, w) of one part around 0, at most 40 px on its longer side; positive lightens.

    Args:
        mask: its silhouette, 8 bits, cropped to its bounds.
        form: how it bulges.
        relief: how much it bulges; 1 is usual.
        gloss: 0 matt to 1 mirror-like.
    """
    width, height = _small(mask.size)
    if form == "puff":
        return _puff(mask.resize((width, height), Image.Resampling.BOX), light, relief, gloss)
    across, down = _axes(width, height)
    if form == "flat":
        return np.float32(9 * relief * light.contrast) * (across * light.x + down * light.y)
    if form == "cylinder":
        down = down * np.float32(0)
    return _round(across, down, light, relief, gloss)


def enlarge(shade: Shade, size: tuple[int, int]) -> Image.Image:
    """A shading map as an 8-bit picture of the part's size (w, h)."""
    levels = Image.fromarray(np.clip(shade + 128, 0, 255).astype(np.uint8))
    return levels.resize(size, Image.Resampling.BICUBIC)


@lru_cache(maxsize=2048)
def _axes(width: int, height: int) -> tuple[Shade, Shade]:
    """Coordinates across (1, w) and down (h, 1) a part, from -0.97 to 0.97; treat as read-only."""
    across = np.linspace(-0.97, 0.97, width, dtype=np.float32)[None, :]
    return across, np.linspace(-0.97, 0.97, height, dtype=np.float32)[:, None]


def _small(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, _MAP_PX / max(size))
    return max(2, round(size[0] * scale)), max(2, round(size[1] * scale))


def _puff(mask: Image.Image, light: Light, relief: float, gloss: float) -> Shade:
    margin = 4
    padded = Image.new("L", (mask.width + 2 * margin, mask.height + 2 * margin), 0)
    padded.paste(mask, (margin, margin))
    radius = max(1.2, min(mask.size) * 0.13)
    height = np.asarray(padded.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255
    slope_x, slope_y = np.zeros_like(height), np.zeros_like(height)
    slope_x[:, 1:-1] = (height[:, 2:] - height[:, :-2]) / 2
    slope_y[1:-1] = (height[2:] - height[:-2]) / 2
    facing = -(slope_x * light.x + slope_y * light.y) * radius * 2.4
    shade = facing * 95 * relief * light.contrast - (1 - height) * 48 * relief
    if gloss:
        shade = shade + gloss * 90 * np.clip(facing * 2.2 - 0.35, 0, 1) ** 2
    return shade[margin:-margin, margin:-margin] + 12


def _round(across: Shade, down: Shade, light: Light, relief: float, gloss: float) -> Shade:
    depth = np.sqrt(np.clip(1 - across**2 - down**2, 0.02, 1))
    facing = across * light.x + down * light.y + depth * 0.66
    shade = (facing - 0.42) * 88 * relief * light.contrast - (1 - depth) * 18 * relief
    if gloss:
        length = np.sqrt(light.x**2 + light.y**2 + 1.66**2)
        half = (across * light.x + down * light.y + depth * 1.66) / length
        shade = shade + gloss * 150 * np.clip(half, 0, 1) ** (12 + 50 * gloss)
    return shade.astype(np.float32)


@lru_cache(maxsize=8)
def folds(kind: int) -> Shade:
    """Soft creases (96, 96) between -1 and 1, mostly running down, as cloth hangs."""
    rng = np.random.default_rng(1_000 + kind)
    noise = Image.fromarray(rng.integers(0, 256, (7, 16), np.uint8)).resize((128, 128), Image.Resampling.BICUBIC)
    turned = noise.rotate(rng.uniform(-30, 30), Image.Resampling.BICUBIC).crop((16, 16, 112, 112))
    waves = np.asarray(turned, np.float32) / 127.5 - 1
    return np.sin(waves * 4).astype(np.float32)
