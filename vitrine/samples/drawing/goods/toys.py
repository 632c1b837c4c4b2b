"""Shapes of toys."""

from __future__ import annotations

from vitrine.samples.catalogue.vocabulary import RGB, Rgb
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import Point, ellipse, ribbon, rounded, smooth
from vitrine.samples.drawing.painting.fabrics import shade


def _plush(look: Appearance) -> None:
    bunny = look.kind == "bunny"
    for side in (-1, 1):
        ear = (
            ribbon([(0.5 + side * 0.08, 0.26), (0.5 + side * 0.13, 0.02)], [0.1, 0.07])
            if bunny
            else ellipse(0.5 + side * 0.18, 0.14, 0.08, 0.08)
        )
        look.canvas.part(smooth(ear, 3), look.cloth, relief=1.2)
        look.canvas.blob(0.5 + side * 0.2, 0.86, 0.13, 0.1, look.cloth, "puff", relief=1.2)
        look.canvas.part(
            ribbon([(0.5 + side * 0.16, 0.52), (0.5 + side * 0.3, 0.68)], [0.13, 0.12]), look.cloth, relief=1.2
        )
    look.canvas.blob(0.5, 0.66, 0.22, 0.25, look.cloth, "puff", relief=1.2)
    look.canvas.blob(0.5, 0.69, 0.13, 0.16, shade(look.colour, 1.35), "puff", relief=0.6)
    look.canvas.blob(0.5, 0.29, 0.22, 0.2, look.cloth, "puff", relief=1.2, shadow=0.4)
    look.canvas.blob(0.5, 0.36, 0.1, 0.075, shade(look.colour, 1.4), "puff", relief=0.8)
    for x, y, r, colour in (
        (0.42, 0.27, 0.02, (24, 20, 20)),
        (0.58, 0.27, 0.02, (24, 20, 20)),
        (0.5, 0.335, 0.026, RGB["pink"] if bunny else (40, 28, 24)),
    ):
        look.canvas.blob(x, y, r, r, colour, gloss=0.9)
    look.canvas.part(
        [(0.4, 0.46), (0.6, 0.53), (0.6, 0.46), (0.4, 0.53)],
        look.second if sum(look.second) < 650 else RGB["red"],
        shadow=0.3,
    )


def _toy_car(look: Appearance) -> None:
    look.canvas.part(
        smooth(
            [
                (0.06, 0.66),
                (0.08, 0.52),
                (0.28, 0.48),
                (0.4, 0.3),
                (0.68, 0.3),
                (0.8, 0.48),
                (0.94, 0.54),
                (0.95, 0.68),
                (0.5, 0.72),
            ],
            4,
        ),
        look.colour,
        relief=1.1,
        gloss=0.7,
    )
    for window in (
        [(0.33, 0.48), (0.42, 0.35), (0.53, 0.35), (0.53, 0.48)],
        [(0.56, 0.48), (0.56, 0.35), (0.66, 0.35), (0.74, 0.48)],
    ):
        look.canvas.part(window, (150, 190, 214), "flat", relief=4)
    for x in (0.27, 0.74):
        look.canvas.blob(x, 0.7, 0.115, 0.115, (34, 34, 36), "puff", shadow=0.3)
        look.canvas.blob(x, 0.7, 0.055, 0.055, RGB["silver"], gloss=0.7)
    look.canvas.blob(0.91, 0.58, 0.025, 0.025, RGB["yellow"], gloss=0.5)


def _blocks(look: Appearance) -> None:
    hues = [look.colour, look.second, *(RGB[name] for name in ("red", "yellow", "blue", "green"))]
    for i, (x, y) in enumerate(((0.12, 0.62), (0.4, 0.62), (0.66, 0.64), (0.26, 0.36), (0.54, 0.37), (0.4, 0.1))):
        colour: Rgb = hues[i]
        look.canvas.part(rounded(x, y, x + 0.25, y + 0.25, 0.02), colour, relief=0.8, gloss=0.3, shadow=0.3)
        look.canvas.box(x + 0.04, y + 0.04, x + 0.21, y + 0.21, shade(colour, 1.25), 0.02)
        look.canvas.blob(x + 0.125, y + 0.125, 0.05, 0.05, colour, "flat")


def _duck(look: Appearance) -> None:
    look.canvas.part(
        smooth(
            [
                (0.12, 0.6),
                (0.08, 0.46),
                (0.24, 0.54),
                (0.5, 0.52),
                (0.78, 0.56),
                (0.84, 0.74),
                (0.66, 0.88),
                (0.3, 0.88),
            ]
        ),
        look.colour,
        relief=1.2,
        gloss=0.7,
    )
    look.canvas.part(smooth([(0.28, 0.66), (0.5, 0.6), (0.6, 0.7), (0.42, 0.78)]), look.colour, relief=1.2, shadow=0.3)
    look.canvas.part(smooth([(0.82, 0.38), (0.95, 0.4), (0.93, 0.46), (0.82, 0.46)]), RGB["orange"], gloss=0.4)
    look.canvas.blob(0.66, 0.36, 0.2, 0.2, look.colour, gloss=0.7)
    look.canvas.blob(0.73, 0.31, 0.03, 0.035, (24, 24, 26), gloss=0.9)


def _kite(look: Appearance) -> None:
    tail: list[Point] = [(0.5, 0.72), (0.42, 0.8), (0.56, 0.86), (0.44, 0.96)]
    look.canvas.stroke(tail, (90, 90, 94), 0.008)
    for x, y in tail[1:]:
        look.canvas.part(
            [(x - 0.05, y - 0.025), (x + 0.05, y + 0.025), (x + 0.05, y - 0.025), (x - 0.05, y + 0.025)], look.second
        )
    quarters = (
        ((0.5, 0.05), (0.84, 0.32), (0.5, 0.32)),
        ((0.5, 0.05), (0.16, 0.32), (0.5, 0.32)),
        ((0.5, 0.74), (0.84, 0.32), (0.5, 0.32)),
        ((0.5, 0.74), (0.16, 0.32), (0.5, 0.32)),
    )
    for i, quarter in enumerate(quarters):
        look.canvas.part(quarter, look.cloth if i in (0, 3) else look.second, "flat", relief=2, crease=0.3)


def _robot(look: Appearance) -> None:
    look.canvas.stroke([(0.5, 0.16), (0.5, 0.05)], RGB["silver"], 0.016)
    look.canvas.blob(0.5, 0.05, 0.03, 0.03, RGB["red"], gloss=0.7)
    for side in (-1, 1):
        look.canvas.box(
            0.5 + side * 0.13 - 0.07, 0.74, 0.5 + side * 0.13 + 0.07, 0.94, shade(look.colour, 0.75), 0.02, "cylinder"
        )
        look.canvas.part(
            ribbon(
                [(0.5 + side * 0.24, 0.48), (0.5 + side * 0.36, 0.56), (0.5 + side * 0.34, 0.7)], [0.08, 0.075, 0.08]
            ),
            RGB["silver"],
            gloss=0.5,
        )
    look.canvas.box(0.26, 0.42, 0.74, 0.78, look.colour, 0.04, "puff", gloss=0.5)
    look.canvas.box(0.34, 0.5, 0.66, 0.68, look.second, 0.02)
    look.canvas.box(0.29, 0.13, 0.71, 0.41, look.colour, 0.05, "puff", gloss=0.5, shadow=0.3)
    for x in (0.41, 0.59):
        look.canvas.blob(x, 0.25, 0.055, 0.055, (250, 240, 160), gloss=0.8)
        look.canvas.blob(x, 0.25, 0.022, 0.022, (30, 30, 34))
    look.canvas.box(0.4, 0.34, 0.6, 0.37, (40, 40, 44), 0.01)


TOYS: dict[str, DrawShape] = {
    "teddy": _plush,
    "bunny": _plush,
    "toy-car": _toy_car,
    "blocks": _blocks,
    "duck": _duck,
    "kite": _kite,
    "robot": _robot,
}
