"""Shapes of cycling, camping and snow gear."""

from __future__ import annotations

import math

from vitrine.samples.catalogue.vocabulary import RGB
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import ellipse, mirrored, ribbon, rounded, smooth
from vitrine.samples.drawing.painting.fabrics import shade


def _helmet(look: Appearance) -> None:
    look.canvas.stroke([(0.25, 0.62), (0.42, 0.86), (0.56, 0.88), (0.72, 0.62)], RGB["black"], 0.02)
    look.canvas.part(
        smooth(
            [
                (0.07, 0.6),
                (0.12, 0.36),
                (0.34, 0.18),
                (0.64, 0.2),
                (0.86, 0.4),
                (0.93, 0.62),
                (0.7, 0.66),
                (0.4, 0.68),
                (0.16, 0.68),
            ]
        ),
        look.cloth,
        relief=1.2,
        gloss=0.7,
    )
    for i in range(4):
        x = 0.24 + i * 0.155
        look.canvas.part(
            smooth([(x, 0.54), (x + 0.03, 0.34), (x + 0.09, 0.28), (x + 0.09, 0.4), (x + 0.05, 0.56)]),
            (28, 28, 30),
            "flat",
        )
    look.canvas.part(smooth([(0.7, 0.6), (0.94, 0.62), (0.97, 0.68), (0.74, 0.67)], 3), look.second, shadow=0.3)


def _bicycle(look: Appearance) -> None:
    for x in (0.23, 0.77):
        ring = ellipse(x, 0.66, 0.19, 0.19)
        look.canvas.stroke([*ring, ring[0]], (36, 36, 38), 0.028)
        for i in range(7):
            angle = math.pi * i / 7
            dx, dy = 0.18 * math.cos(angle), 0.18 * math.sin(angle)
            look.canvas.stroke([(x - dx, 0.66 - dy), (x + dx, 0.66 + dy)], (170, 170, 174), 0.004)
    for line in (
        [(0.23, 0.66), (0.37, 0.4), (0.66, 0.38), (0.47, 0.66), (0.23, 0.66)],
        [(0.35, 0.34), (0.47, 0.66)],
        [(0.64, 0.28), (0.77, 0.66)],
    ):
        look.canvas.stroke(line, look.colour, 0.028)
    look.canvas.stroke([(0.56, 0.25), (0.64, 0.27), (0.7, 0.24)], (40, 40, 42), 0.024)
    look.canvas.part(ribbon([(0.27, 0.32), (0.42, 0.34)], [0.05, 0.025]), look.second)
    look.canvas.blob(0.47, 0.66, 0.05, 0.05, RGB["silver"], "puff")


def _tent(look: Appearance) -> None:
    if look.variety == "dome":
        look.canvas.part(
            smooth([(0.05, 0.82), (0.18, 0.44), (0.5, 0.22), (0.82, 0.44), (0.95, 0.82), (0.5, 0.86)], 5),
            look.cloth,
            relief=1.1,
            crease=0.4,
        )
        for side in (-1, 1):
            look.canvas.stroke(
                [(0.5 - side * 0.38, 0.8), (0.5 - side * 0.1, 0.34), (0.5 + side * 0.1, 0.24)],
                look.seam,
                0.012,
                solid=False,
            )
    else:
        look.canvas.part(
            [(0.3, 0.24), (0.86, 0.3), (0.96, 0.8), (0.56, 0.84)], look.cloth, "flat", relief=2, crease=0.5
        )
        look.canvas.part(
            [(0.3, 0.24), (0.56, 0.84), (0.05, 0.84)], shade(look.colour, 0.8), "flat", relief=2, crease=0.4
        )
    x = 0.5 if look.variety == "dome" else 0.3
    look.canvas.part([(x, 0.42), (x + 0.13, 0.84), (x - 0.13, 0.84)], (44, 40, 40), "flat")
    look.canvas.part(
        smooth([(x, 0.42), (x - 0.16, 0.6), (x - 0.14, 0.84), (x - 0.09, 0.84)], 3), look.second, shadow=0.4
    )


def _board(look: Appearance) -> None:
    skate = look.kind == "skateboard"
    if skate:
        for y in (0.22, 0.78):
            for x in (0.33, 0.67):
                look.canvas.box(x - 0.04, y - 0.05, x + 0.04, y + 0.05, RGB["white"], 0.03, "cylinder")
    width = 0.15 if skate else 0.125
    look.canvas.part(
        smooth(
            mirrored([(width * 0.55, 0.05), (width, 0.14), (width * 0.9, 0.5), (width, 0.86), (width * 0.55, 0.95)])
        ),
        look.cloth,
        relief=0.7,
        gloss=0.5,
    )
    for y in (0.24, 0.72) if skate else (0.36, 0.6):
        look.canvas.box(0.5 - width * 0.55, y, 0.5 + width * 0.55, y + 0.06, RGB["charcoal"], 0.015, "puff", shadow=0.4)
        for dx in (-0.03, 0.03):
            look.canvas.blob(0.5 + dx, y + 0.03, 0.01, 0.01, RGB["silver"])


def _goggles(look: Appearance) -> None:
    look.canvas.part(ribbon([(0.02, 0.46), (0.5, 0.38), (0.98, 0.46)], [0.13, 0.12, 0.13]), look.second, relief=0.8)
    outline = mirrored([(0.1, 0.3), (0.36, 0.32), (0.41, 0.5), (0.33, 0.68), (0.12, 0.66), (0.03, 0.58)])
    look.canvas.part(smooth(outline, 4), shade(look.colour, 0.6), relief=1.1, shadow=0.5)
    inner = [(0.5 + (x - 0.5) * 0.88, 0.49 + (y - 0.49) * 0.84) for x, y in outline]
    look.canvas.part(smooth(inner, 4), look.colour, "cylinder", relief=1.2, gloss=1.0)


def _sunglasses(look: Appearance) -> None:
    for side in (-1, 1):
        look.canvas.part(
            ribbon(
                [(0.5 + side * 0.4, 0.42), (0.5 + side * 0.44, 0.3), (0.5 + side * 0.3, 0.24)], [0.035, 0.03, 0.025]
            ),
            shade(look.colour, 0.8),
        )
        x = 0.5 + side * 0.21
        frame = (
            ellipse(x, 0.52, 0.19, 0.175) if look.variety == "round" else rounded(x - 0.2, 0.38, x + 0.2, 0.66, 0.07)
        )
        look.canvas.part(frame, look.cloth, relief=1.2, gloss=0.6)
        lens = (
            ellipse(x, 0.52, 0.155, 0.14)
            if look.variety == "round"
            else rounded(x - 0.165, 0.41, x + 0.165, 0.63, 0.05)
        )
        look.canvas.part(lens, (44, 42, 46), "ball", gloss=0.7)
    look.canvas.part(ribbon([(0.47, 0.47), (0.53, 0.47)], [0.035, 0.035]), look.cloth)


OUTDOOR: dict[str, DrawShape] = {
    "helmet": _helmet,
    "bicycle": _bicycle,
    "tent": _tent,
    "skateboard": _board,
    "snowboard": _board,
    "goggles": _goggles,
    "sunglasses": _sunglasses,
}
