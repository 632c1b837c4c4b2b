"""What many fruits have: an uneven round outline, a stem, a leaf, the hollow round the stem, a cut half."""

from __future__ import annotations

import math
import random

from vitrine.samples.catalogue.vocabulary import Rgb
from vitrine.samples.drawing.painting.appearance import Appearance
from vitrine.samples.drawing.painting.canvas import Point, ellipse, smooth
from vitrine.samples.drawing.painting.fabrics import shade

STEM: Rgb = (96, 72, 40)
LEAF: Rgb = (74, 128, 48)


def body(wobble: float, rng: random.Random, rx: float = 0.38, ry: float = 0.38, corners: int = 10) -> list[Point]:
    """A round outline with dents."""
    return smooth(
        [
            (
                0.5 + rx * (1 + rng.uniform(-wobble, wobble)) * math.cos(2 * math.pi * i / corners),
                0.52 + ry * (1 + rng.uniform(-wobble, wobble)) * math.sin(2 * math.pi * i / corners),
            )
            for i in range(corners)
        ]
    )


def stem(look: Appearance, top: float, length: float, lean: float = 0.03, colour: Rgb = STEM) -> None:
    """A stem that rises from `top`."""
    lean = look.canvas.rng.uniform(-2, 2) * lean
    look.canvas.stroke([(0.5, top), (0.5 + lean * 0.4, top - length * 0.6), (0.5 + lean, top - length)], colour, 0.02)


def leaf(look: Appearance, x: float, y: float, size: float, side: int = 1) -> None:
    """A leaf that points sideways from (x, y)."""
    points = [
        (x, y),
        (x + side * size * 0.5, y - size * 0.4),
        (x + side * size * 1.1, y - size * 0.3),
        (x + side * size * 0.6, y + size * 0.1),
    ]
    look.canvas.part(smooth(points), LEAF, relief=0.8)
    look.canvas.stroke([(x, y), (x + side * size * 0.9, y - size * 0.25)], shade(LEAF, 0.75), 0.006)


def dimple(look: Appearance, y: float, colour: Rgb, width: float = 0.09) -> None:
    """The hollow round a stem."""
    look.canvas.part(ellipse(0.5, y, width, width * 0.38), colour, "flat", relief=0.3)
    look.canvas.part(ellipse(0.5, y - width * 0.08, width * 0.6, width * 0.2), shade(colour, 0.6), "flat", relief=0.3)


def cut_half(look: Appearance, x: float, y: float, r: float, flesh: Rgb, rind: Rgb, heart: Rgb, seed: Rgb) -> None:
    """A cut half in front."""
    look.canvas.part(ellipse(x, y, r, r), rind, "flat", shadow=0.5)
    look.canvas.part(ellipse(x, y, r * 0.93, r * 0.93), flesh, "flat")
    look.canvas.part(ellipse(x, y, r * 0.3, r * 0.26), heart, "flat")
    for i in range(18):
        angle = i * math.tau / 18
        look.canvas.part(
            ellipse(x + r * 0.46 * math.cos(angle), y + r * 0.46 * math.sin(angle), r * 0.05, r * 0.05), seed, "flat"
        )
