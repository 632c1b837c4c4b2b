"""Invented things as training items: a packshot on white, heaps of it, and it in a hand before a shelf."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitrine.samples.mini.data.item_store import TrainingItem
from vitrine.samples.mini.data.synthetic_scenes import draw_in_hand, draw_packshot, draw_pile, random_background
from vitrine.samples.mini.data.synthetic_sprites import draw_random_sprite

VIEWS: Final = 5


def synthetic_items(
    count: int, side: int, seed: int, backgrounds: Sequence[NDArray[np.uint8]]
) -> Iterator[tuple[TrainingItem, Sequence[Image.Image]]]:
    """Draw `count` things; neighbours in the series stand on each other's shelves."""
    rng = np.random.default_rng(seed)
    recent = [draw_random_sprite(rng, side) for _ in range(12)]
    for number in range(count):
        sprite = draw_random_sprite(rng, side)
        scenes = [_scene(sprite, recent, backgrounds, side, rng) for _ in range(VIEWS - 1)]
        recent = [*recent[1:], sprite]
        yield TrainingItem(f"invented-{number}"), [draw_packshot(sprite, side, rng), *scenes]


def _scene(
    sprite: Image.Image,
    others: Sequence[Image.Image],
    backgrounds: Sequence[NDArray[np.uint8]],
    side: int,
    rng: np.random.Generator,
) -> Image.Image:
    ground = random_background(backgrounds, rng, side)
    # Tall fronts are packs, which stand in hands and rows more often than in heaps.
    heaped = 0.2 if sprite.height > 1.15 * sprite.width else 0.65
    return (
        draw_pile(sprite, ground, side, rng)
        if rng.random() < heaped
        else draw_in_hand(sprite, others, ground, side, rng)
    )
