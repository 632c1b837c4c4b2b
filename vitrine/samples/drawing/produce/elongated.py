"""Shapes of peppers, gourds and long fruit."""

from __future__ import annotations

import math

from vitrine.samples.catalogue.vocabulary import Rgb
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import Point, ribbon, smooth
from vitrine.samples.drawing.painting.fabrics import mix, shade
from vitrine.samples.drawing.produce.skin import skin


def _banana(look: Appearance) -> None:
    rng, green = look.canvas.rng, look.variety == "green"
    base: Rgb = (168, 190, 70) if green else (236, 200, 58)
    paint = skin(look.canvas.px, base, rng, (206, 200, 80), 0.3, speckle=(110, 74, 30), dots=0.004)
    for i in range(rng.randint(3, 5)):
        drop, reach = 0.14 * i, 0.05 * i
        line = [
            (0.84 - reach * 0.3, 0.13),
            (0.77 - reach * 0.2, 0.3 + drop * 0.35),
            (0.6, 0.5 + drop * 0.55),
            (0.36, 0.6 + drop * 0.62),
            (0.13 + reach, 0.57 + drop * 0.8),
        ]
        look.canvas.part(ribbon(line, [0.05, 0.1, 0.15, 0.13, 0.05]), paint, relief=1.0, gloss=0.2, shadow=0.4)
        look.canvas.blob(0.13 + reach, 0.57 + drop * 0.8, 0.02, 0.022, (60, 44, 26), "puff")
    look.canvas.part(ribbon([(0.88, 0.06), (0.83, 0.16)], [0.08, 0.1]), mix(base, (110, 90, 40), 0.5))


def _taper(colour: Rgb, widths: tuple[float, ...], count: int, ends: Rgb) -> DrawShape:
    """A few long bodies side by side."""

    def draw(look: Appearance) -> None:
        rng = look.canvas.rng
        for i in range(count):
            y, bend = 0.5 + (i - (count - 1) / 2) * 0.2 + rng.uniform(-0.02, 0.02), rng.uniform(-0.07, 0.07)
            steps = [k / (len(widths) - 1) for k in range(len(widths))]
            line = [(0.06 + 0.88 * t, y + bend * math.sin(math.pi * t) + (0.5 - t) * 0.12) for t in steps]
            base = (226, 190, 62) if look.variety == "yellow" else colour
            paint = skin(
                look.canvas.px, base, rng, shade(base, 0.85), 0.35, mottle=0.3, speckle=shade(base, 1.35), dots=0.03
            )
            outline = smooth(ribbon(line, [w * rng.uniform(0.95, 1.05) for w in widths]), 4)
            look.canvas.part(outline, paint, relief=1.1, gloss=0.35, shadow=0.4)
            look.canvas.blob(line[0][0], line[0][1], 0.02, widths[0] * 0.42, ends, "puff")

    return draw


def _pepper(look: Appearance) -> None:
    rng = look.canvas.rng
    base = {"red": (200, 30, 30), "yellow": (240, 190, 30), "green": (60, 124, 44), "orange": (238, 120, 26)}[
        look.variety
    ]
    paint = skin(look.canvas.px, base, rng, shade(base, 1.15), 0.3, mottle=0.15)
    for x, width in ((0.3, 0.2), (0.7, 0.2), (0.5, 0.2)):
        lobe: list[Point] = [
            (x, 0.2),
            (x + width * 0.9, 0.3),
            (x + width * 0.85, 0.6),
            (x + width * 0.45, 0.88),
            (x - width * 0.45, 0.88),
            (x - width * 0.85, 0.6),
            (x - width * 0.9, 0.3),
        ]
        look.canvas.part(smooth(lobe), paint, relief=1.15, gloss=0.9, shadow=0.3)
    look.canvas.blob(0.5, 0.22, 0.16, 0.05, shade(base, 0.75), "puff")
    look.canvas.part(ribbon([(0.5, 0.23), (0.5, 0.13), (0.55, 0.06)], [0.1, 0.05, 0.06]), (88, 130, 52), "cylinder")


def _chilli(look: Appearance) -> None:
    rng = look.canvas.rng
    base: Rgb = (196, 28, 26) if look.variety == "red" else (70, 130, 48)
    for i in range(3):
        y = 0.28 + 0.22 * i
        line = [
            (0.2, y),
            (0.4, y + rng.uniform(-0.06, 0.04)),
            (0.66, y + rng.uniform(-0.02, 0.08)),
            (0.93, y + rng.uniform(-0.05, 0.12)),
        ]
        look.canvas.stroke([(0.05, y - 0.06), (0.19, y)], (90, 134, 54), 0.025)
        look.canvas.part(smooth(ribbon(line, [0.11, 0.13, 0.09, 0.01]), 4), base, relief=1.1, gloss=0.8, shadow=0.4)
        look.canvas.blob(0.2, y, 0.035, 0.06, (90, 134, 54), "puff")


def _aubergine(look: Appearance) -> None:
    paint = skin(look.canvas.px, (58, 30, 62), look.canvas.rng, (86, 40, 78), 0.35, mottle=0.2)
    look.canvas.part(
        smooth(
            [
                (0.8, 0.16),
                (0.88, 0.24),
                (0.74, 0.46),
                (0.68, 0.7),
                (0.48, 0.88),
                (0.22, 0.84),
                (0.13, 0.62),
                (0.28, 0.4),
                (0.56, 0.28),
            ]
        ),
        paint,
        relief=1.2,
        gloss=0.9,
    )
    look.canvas.part(
        smooth(
            [
                (0.92, 0.08),
                (0.9, 0.28),
                (0.78, 0.34),
                (0.8, 0.25),
                (0.7, 0.28),
                (0.74, 0.2),
                (0.68, 0.12),
                (0.82, 0.13),
            ],
            3,
        ),
        (92, 128, 62),
        shadow=0.3,
    )
    look.canvas.part(ribbon([(0.84, 0.16), (0.95, 0.04)], [0.06, 0.05]), (92, 128, 62))


def _pumpkin(look: Appearance) -> None:
    paint = skin(look.canvas.px, (228, 124, 32), look.canvas.rng, (206, 100, 24), 0.4, mottle=0.25)
    for x, rx in ((0.22, 0.14), (0.78, 0.14), (0.34, 0.16), (0.66, 0.16), (0.5, 0.15)):
        look.canvas.blob(x, 0.56, rx, 0.34, paint, "puff", relief=1.1, gloss=0.2, shadow=0.25)
    look.canvas.part(ribbon([(0.5, 0.28), (0.52, 0.16), (0.58, 0.1)], [0.1, 0.06, 0.06]), (118, 122, 60))


def _papaya(look: Appearance) -> None:
    paint = skin(
        look.canvas.px,
        (232, 150, 48),
        look.canvas.rng,
        (128, 142, 52),
        0.4,
        mottle=0.3,
        speckle=(140, 100, 40),
        dots=0.01,
    )
    look.canvas.part(
        smooth(
            [
                (0.5, 0.08),
                (0.6, 0.12),
                (0.68, 0.36),
                (0.76, 0.64),
                (0.66, 0.88),
                (0.5, 0.94),
                (0.34, 0.88),
                (0.24, 0.64),
                (0.32, 0.36),
                (0.4, 0.12),
            ]
        ),
        paint,
        "ball",
        gloss=0.3,
    )


LONG: dict[str, DrawShape] = {
    "banana": _banana,
    "cucumber": _taper((52, 98, 44), (0.1, 0.15, 0.16, 0.15, 0.09), 2, (96, 120, 60)),
    "zucchini": _taper((58, 100, 42), (0.1, 0.14, 0.17, 0.19, 0.14), 2, (150, 160, 84)),
    "pepper": _pepper,
    "chilli": _chilli,
    "aubergine": _aubergine,
    "pumpkin": _pumpkin,
    "papaya": _papaya,
}
