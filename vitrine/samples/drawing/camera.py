"""What a phone camera does to a scene: white balance, exposure, blur, grain and JPEG blocks."""

from __future__ import annotations

import io
import random
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageFilter


def camera_effects(scene: Image.Image, rng: random.Random) -> Image.Image:
    """A snapshot of a scene (RGB, any size), taken in a hurry."""
    picture = scene.point(_curve(rng))
    if rng.random() < 0.35:
        picture = _vignette(picture, rng)
    if rng.random() < 0.4:
        picture = picture.filter(ImageFilter.GaussianBlur(picture.width / 256 * rng.uniform(0.3, 1.5)))
    if rng.random() < 0.7:
        picture = _grain(picture, rng)
    return _recompressed(picture, rng.randint(35, 88)) if rng.random() < 0.7 else picture


def _curve(rng: random.Random) -> list[int]:
    """A table for `Image.point`: warm or cold light, exposure, contrast."""
    warmth, exposure, gamma = rng.uniform(-0.16, 0.2), rng.uniform(0.72, 1.18), rng.uniform(0.8, 1.25)
    gains = (
        exposure * (1 + warmth),
        exposure * (1 + warmth * 0.25 + rng.uniform(-0.04, 0.04)),
        exposure * (1 - warmth),
    )
    lift = rng.uniform(0, 14)
    levels = np.minimum(1, np.outer(gains, np.arange(256) / 255)) ** gamma
    return [int(level) for level in np.rint(lift + (255 - lift) * levels).ravel()]


@lru_cache(maxsize=16)
def _falloff(width: int, height: int, corner: int) -> Image.Image:
    across, down = np.linspace(-1, 1, 48)[None, :], np.linspace(-1, 1, 48)[:, None]
    towards = np.asarray([(-0.5, -0.5), (0.5, -0.5), (0, -0.6), (0, 0)][corner])
    away = (across - towards[0]) ** 2 + (down - towards[1]) ** 2
    levels = np.clip(255 - 62 * away, 70, 255).astype(np.uint8)
    falloff = Image.fromarray(levels).resize((width, height), Image.Resampling.BICUBIC)
    return Image.merge("RGB", (falloff, falloff, falloff))


def _vignette(picture: Image.Image, rng: random.Random) -> Image.Image:
    return ImageChops.multiply(picture, _falloff(*picture.size, rng.randrange(4)))


@lru_cache(maxsize=4)
def _noise(side: int) -> Image.Image:
    grains = np.random.default_rng(77).normal(128, 5, (side, side, 3)) + np.random.default_rng(78).normal(
        0, 5, (side, side, 1)
    )
    return Image.fromarray(np.clip(grains, 0, 255).astype(np.uint8))


def _grain(picture: Image.Image, rng: random.Random) -> Image.Image:
    side = max(picture.size)
    grain = ImageChops.offset(_noise(side), rng.randrange(side), rng.randrange(side)).crop((0, 0, *picture.size))
    return ImageChops.add(picture, grain, 1, -128)


def _recompressed(picture: Image.Image, quality: int) -> Image.Image:
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=quality)
    return Image.open(packed).convert("RGB")
