"""Shapes of berries and the pineapple."""

from __future__ import annotations

from PIL import ImageDraw

from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import Point, ellipse, smooth
from vitrine.samples.drawing.painting.fabrics import shade
from vitrine.samples.drawing.produce.details import LEAF, STEM, leaf, stem
from vitrine.samples.drawing.produce.skin import skin


def _cluster(look: Appearance) -> None:
    rng = look.canvas.rng
    base = {"green": (164, 184, 80), "red": (134, 40, 56), "black": (52, 36, 62)}[look.variety]
    look.canvas.stroke([(0.5, 0.24), (0.5, 0.08), (0.56, 0.05)], STEM, 0.03)
    for row, count in enumerate((5, 6, 5, 4, 3, 2)):
        for i in range(count):
            tint = shade(base, rng.uniform(0.85, 1.15))
            look.canvas.blob(
                0.5 + (i - (count - 1) / 2) * 0.135 + rng.uniform(-0.02, 0.02),
                0.26 + row * 0.12,
                0.08,
                0.085,
                tint,
                gloss=0.6,
                shadow=0.3,
            )


def _cherry(look: Appearance) -> None:
    for x, y in ((0.3, 0.68), (0.68, 0.72)):
        look.canvas.stroke([(x, y - 0.16), (0.45 + (x - 0.5) * 0.3, 0.3), (0.52, 0.1)], (110, 120, 54), 0.018)
        look.canvas.blob(
            x, y, 0.21, 0.2, skin(look.canvas.px, (126, 18, 34), look.canvas.rng, (166, 30, 40), 0.3), gloss=0.9
        )
    leaf(look, 0.52, 0.12, 0.3)


def _strawberry(look: Appearance) -> None:
    rng = look.canvas.rng
    outline: list[Point] = smooth(
        [(0.5, 0.22), (0.74, 0.2), (0.86, 0.38), (0.74, 0.66), (0.5, 0.93), (0.26, 0.66), (0.14, 0.38), (0.26, 0.2)]
    )
    look.canvas.part(outline, skin(look.canvas.px, (206, 32, 36), rng, (226, 70, 52), 0.3), "ball", gloss=0.6)
    for row in range(7):
        span = 0.3 * (1 - row / 8.5)
        for i in range(6 - row // 2):
            x = 0.5 + (i - (5 - row // 2) / 2) * span * 0.4 + (row % 2) * 0.02
            look.canvas.part(ellipse(x, 0.33 + row * 0.08, 0.01, 0.015), (240, 206, 110), "flat")
    for i in range(-3, 4):
        look.canvas.part(
            smooth(
                [
                    (0.5, 0.16),
                    (0.5 + i * 0.09 - 0.04, 0.24),
                    (0.5 + i * 0.11, 0.31 - abs(i) * 0.03),
                    (0.5 + i * 0.09 + 0.04, 0.22),
                ],
                3,
            ),
            LEAF,
            relief=0.7,
        )
    stem(look, 0.2, 0.12, colour=LEAF)


def _pineapple(look: Appearance) -> None:
    rng = look.canvas.rng
    for i in range(-4, 5):
        look.canvas.part(
            smooth(
                [
                    (0.46, 0.36),
                    (0.5 + i * 0.045, 0.2),
                    (0.5 + i * 0.075, 0.04 + abs(i) * 0.035),
                    (0.54 + i * 0.04, 0.24),
                    (0.55, 0.36),
                ],
                3,
            ),
            shade((84, 122, 62), rng.uniform(0.8, 1.15)),
            relief=0.8,
        )
    paint = skin(look.canvas.px, (204, 142, 44), rng, (150, 130, 50), 0.35, mottle=0.3)
    draw, px = ImageDraw.Draw(paint), look.canvas.px
    for k in range(-12, 24):
        for slope in (-1, 1):
            x = k * 0.085
            draw.line([(x * px, 0), ((x + slope * 0.6) * px, px)], fill=(128, 84, 30), width=max(1, px // 90))
    look.canvas.part(
        smooth(
            [(0.5, 0.3), (0.7, 0.36), (0.76, 0.6), (0.68, 0.88), (0.5, 0.94), (0.32, 0.88), (0.24, 0.6), (0.3, 0.36)]
        ),
        paint,
        "ball",
        relief=1.0,
    )


BERRIES: dict[str, DrawShape] = {
    "grapes": _cluster,
    "cherry": _cherry,
    "strawberry": _strawberry,
    "pineapple": _pineapple,
}
