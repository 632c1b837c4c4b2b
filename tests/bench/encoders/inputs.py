"""The products that are encoded: the same in every contender's process. Needs numpy and Pillow alone."""

from __future__ import annotations

import numpy as np
from PIL import Image

WORDS = [
    "red",
    "blue",
    "green",
    "black",
    "white",
    "cotton",
    "linen",
    "leather",
    "wool",
    "steel",
    "wooden",
    "shirt",
    "dress",
    "shoes",
    "jacket",
    "lamp",
    "kettle",
    "chair",
    "bag",
    "watch",
    "long",
    "short",
    "sleeves",
    "waterproof",
    "organic",
    "classic",
    "slim",
    "summer",
    "winter",
    "with",
    "and",
    "for",
    "men",
    "women",
    "kids",
    "outdoor",
    "kitchen",
    "office",
]
SIDE = 256
"""Of a decoded picture, in pixels."""


def texts(count: int) -> list[str]:
    """Titles of 4 to 20 words."""
    random = np.random.default_rng(3)
    return [" ".join(random.choice(WORDS, random.integers(4, 21))) for _ in range(count)]


def pictures(count: int) -> list[Image.Image]:
    """Decoded pictures of soft patches."""
    random = np.random.default_rng(4)
    cells = random.integers(0, 256, (count, 6, 6, 3), np.uint8)
    return [Image.fromarray(cell).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for cell in cells]
