"""Shapes of furniture."""

from __future__ import annotations

from vitrine.samples.catalogue.vocabulary import RGB, Rgb
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import ellipse, ribbon, rounded, smooth
from vitrine.samples.drawing.painting.fabrics import shade

_LEGS: Rgb = (128, 90, 56)


def _chair(look: Appearance) -> None:
    for x0, x1, y in ((0.32, 0.29, 0.95), (0.68, 0.71, 0.95), (0.36, 0.35, 0.84), (0.64, 0.65, 0.84)):
        look.canvas.part(ribbon([(x0, 0.56), (x1, y)], [0.045, 0.03]), shade(_LEGS, 0.9), "cylinder")
    look.canvas.part(
        smooth([(0.31, 0.08), (0.5, 0.06), (0.69, 0.08), (0.67, 0.42), (0.5, 0.44), (0.33, 0.42)]),
        look.cloth,
        relief=0.9,
        gloss=look.gloss * 0.4,
    )
    for x in (0.35, 0.65):
        look.canvas.part(ribbon([(x, 0.38), (x, 0.56)], [0.04, 0.04]), shade(_LEGS, 0.9), "cylinder")
    look.canvas.part(
        smooth([(0.3, 0.5), (0.7, 0.5), (0.76, 0.6), (0.5, 0.63), (0.24, 0.6)], 4), look.cloth, relief=1.0, shadow=0.4
    )


def _stool(look: Appearance) -> None:
    for x0, x1 in ((0.36, 0.26), (0.64, 0.74), (0.48, 0.47)):
        look.canvas.part(
            ribbon([(x0, 0.3), (x1, 0.94)], [0.045, 0.035]),
            look.cloth if look.material == "wood" else RGB["charcoal"],
            "cylinder",
        )
    look.canvas.stroke([(0.3, 0.7), (0.7, 0.7)], shade(look.colour, 0.7), 0.02)
    look.canvas.box(0.26, 0.22, 0.74, 0.29, look.cloth, 0.03, "cylinder", shadow=0.4)
    look.canvas.part(ellipse(0.5, 0.22, 0.24, 0.06), shade(look.colour, 1.15), "flat")


def _table(look: Appearance) -> None:
    wood = shade(look.colour, 0.75)
    for x, y in ((0.12, 0.86), (0.88, 0.86), (0.24, 0.76), (0.76, 0.76)):
        look.canvas.part(ribbon([(x, 0.42), (x, y)], [0.05, 0.035]), wood, "cylinder")
    look.canvas.part(
        [(0.2, 0.32), (0.8, 0.32), (0.95, 0.46), (0.05, 0.46)],
        look.cloth,
        "flat",
        relief=2,
        opacity=look.opacity,
    )
    look.canvas.part([(0.05, 0.46), (0.95, 0.46), (0.95, 0.5), (0.05, 0.5)], wood, "flat")


def _sofa(look: Appearance) -> None:
    x0, seats = (0.06, 2) if look.kind == "sofa" else (0.2, 1)
    for x in (x0 + 0.06, 1 - x0 - 0.06):
        look.canvas.part(ribbon([(x, 0.8), (x, 0.9)], [0.04, 0.025]), _LEGS, "cylinder")
    look.canvas.part(rounded(x0 + 0.05, 0.26, 0.95 - x0, 0.7, 0.07), look.cloth, relief=1.0, crease=0.3)
    width = (0.84 - 2 * x0) / seats
    for i in range(seats):
        left = x0 + 0.08 + i * width
        look.canvas.part(rounded(left, 0.33, left + width, 0.6, 0.06), look.cloth, relief=1.0, crease=0.5, shadow=0.3)
        look.canvas.part(rounded(left, 0.56, left + width, 0.72, 0.05), look.cloth, relief=1.1, crease=0.3, shadow=0.4)
    look.canvas.part(rounded(x0 + 0.02, 0.7, 0.98 - x0, 0.83, 0.03), look.cloth, relief=0.8, shadow=0.3)
    for left in (x0, 0.87 - x0):
        look.canvas.part(rounded(left, 0.44, left + 0.13, 0.83, 0.06), look.cloth, relief=1.1, shadow=0.4)


def _shelf(look: Appearance) -> None:
    look.canvas.box(0.2, 0.06, 0.8, 0.95, shade(look.colour, 0.5), 0.01)
    for row in range(4):
        base, x = 0.27 + row * 0.22, 0.24
        while x < 0.7 and look.rng.random() < 0.93:
            width, tall = look.rng.uniform(0.02, 0.05), look.rng.uniform(0.09, 0.16)
            look.canvas.box(x, base - tall, x + width, base, RGB[look.rng.choice(list(RGB))], 0.0, "cylinder")
            x += width + 0.004
        look.canvas.box(0.2, base, 0.8, base + 0.03, look.cloth, 0.0)
    for x in (0.2, 0.77):
        look.canvas.box(x, 0.06, x + 0.03, 0.95, look.cloth, 0.0, "cylinder")
    look.canvas.box(0.2, 0.05, 0.8, 0.085, look.cloth, 0.0)


FURNITURE: dict[str, DrawShape] = {
    "chair": _chair,
    "stool": _stool,
    "table": _table,
    "sofa": _sofa,
    "armchair": _sofa,
    "shelf": _shelf,
}
